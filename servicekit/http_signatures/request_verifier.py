"""Checks the signature of a request (RFC 9421 §3.2), except for its body and whether it was received before.

The verifier requires more than RFC 9421 does. A signature must cover the method, the URL, the digest of the body, and
the headers in `VerificationPolicy.headers`, if the request has them. The signature must name its key, its time of
creation and of expiry, a nonce, and this receiver (`tag`). There must be exactly one signature.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from servicekit.http_signatures.content_digest import HEADER as DIGEST_HEADER
from servicekit.http_signatures.signature_base import ComponentMissing, NotAscii, signature_base
from servicekit.http_signatures.signature_fields import (
    INPUT_HEADER,
    SIGNATURE_HEADER,
    MalformedSignature,
    ReceivedSignature,
    SeveralSignatures,
    read_signature,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from servicekit.http_signatures.keys import VerificationKey
    from servicekit.http_signatures.signature_base import SignedRequest

Reason = Literal[
    "missing",
    "malformed",
    "several signatures",
    "component missing",
    "component not covered",
    "unknown key",
    "wrong algorithm",
    "wrong receiver",
    "expired",
    "created in the future",
    "lifetime too long",
    "wrong signature",
    "wrong digest",
    "replayed",
]
"""Why a request is refused. Only the log has the reason."""

ALWAYS_COVERED: Final = frozenset({"@method", "@authority", "@path", "@query", DIGEST_HEADER})
DEFAULT_HEADERS: Final = frozenset({"authorization", "cookie"})
"""The headers with credentials, which a signature must cover if the request has them."""

_COVERED_IF_PRESENT: Final = frozenset({"content-type", "content-encoding"})
_KNOWN_PARAMETERS: Final = frozenset({"created", "expires", "nonce", "keyid", "alg", "tag"})
_NONCE: Final = re.compile(r"[!-~]{16,64}")


class SignatureRefused(Exception):
    """The request is refused. `key_id` is the id of the key that the signature names, if the verifier has this key."""

    def __init__(self, reason: Reason, key_id: str | None = None) -> None:
        super().__init__(reason)
        self.reason: Reason = reason
        self.key_id = key_id


@dataclass(frozen=True, slots=True)
class VerificationPolicy:
    """What the verifier requires of a signature.

    Attributes:
        tag: the name of this receiver.
        headers: headers in lower case, which a signature must cover if the request has them.
        clock_skew: how many seconds the clocks of signer and verifier may differ.
        max_lifetime: the maximum time in seconds between the creation and the expiry of a signature.
    """

    tag: str
    headers: frozenset[str] = DEFAULT_HEADERS
    clock_skew: int = 5
    max_lifetime: int = 300


class VerifiedHead(NamedTuple):
    """A request whose signature is valid. Its body must still be compared with `digest`, and `nonce` must be new.

    Attributes:
        created: the time of the signature, in Unix seconds.
        ends: the time after which the verifier refuses the signature as expired, in Unix seconds.
    """

    key_id: str
    digest: str
    nonce: str
    created: int
    ends: int


class _Times(NamedTuple):
    created: int
    expires: int
    nonce: str


class RequestVerifier:
    """Verifies requests. Several keys can be valid at the same time, so that keys can be replaced without a pause."""

    def __init__(
        self, keys: Iterable[VerificationKey], policy: VerificationPolicy, *, clock: Callable[[], float] = time.time
    ) -> None:
        """Create the verifier.

        Raises:
            ValueError: there is no key, or two keys have the same id.
        """
        listed = list(keys)
        self._keys = {key.id: key for key in listed}
        if not listed or len(self._keys) < len(listed):
            raise ValueError("a verifier needs at least one key, and keys with different ids")
        self._policy = policy
        self._must_cover_if_present = policy.headers | _COVERED_IF_PRESENT
        self._clock = clock

    def verify(self, request: SignedRequest) -> VerifiedHead:
        """Check everything that does not need the body.

        Raises:
            SignatureRefused: the request has no valid signature.
        """
        received = _received(request)
        key = self._key(received)
        self._check_components(received, request, key.id)
        times = self._check_times(received, key.id)
        if received.parameters.get("tag") != self._policy.tag:
            raise SignatureRefused("wrong receiver", key.id)
        try:
            base = signature_base(received.components, received.text, request)
        except ComponentMissing:
            raise SignatureRefused("component missing", key.id) from None
        except NotAscii:
            raise SignatureRefused("malformed", key.id) from None
        if not key.is_signature(received.signature, base):
            raise SignatureRefused("wrong signature", key.id)
        ends = times.expires + self._policy.clock_skew
        return VerifiedHead(key.id, request.headers[DIGEST_HEADER], times.nonce, times.created, ends)

    def _key(self, received: ReceivedSignature) -> VerificationKey:
        key = self._keys.get(str(received.parameters.get("keyid")))
        if key is None:
            raise SignatureRefused("unknown key")
        if received.parameters.get("alg", key.algorithm) != key.algorithm:
            raise SignatureRefused("wrong algorithm", key.id)
        return key

    def _check_components(self, received: ReceivedSignature, request: SignedRequest, key_id: str) -> None:
        covered = frozenset(received.components)
        must_cover = ALWAYS_COVERED | (self._must_cover_if_present & request.headers.keys())
        if not must_cover <= covered:
            raise SignatureRefused("component not covered", key_id)

    def _check_times(self, received: ReceivedSignature, key_id: str) -> _Times:
        parameters = received.parameters
        created, expires, nonce = (parameters.get(name) for name in ("created", "expires", "nonce"))
        if not (isinstance(created, int) and isinstance(expires, int) and isinstance(nonce, str)):
            raise SignatureRefused("malformed", key_id)
        if not parameters.keys() <= _KNOWN_PARAMETERS or _NONCE.fullmatch(nonce) is None:
            raise SignatureRefused("malformed", key_id)
        now, skew = self._clock(), self._policy.clock_skew
        if created > now + skew:
            raise SignatureRefused("created in the future", key_id)
        if not 0 <= expires - created <= self._policy.max_lifetime:
            raise SignatureRefused("lifetime too long", key_id)
        if expires + skew < now:
            raise SignatureRefused("expired", key_id)
        return _Times(created, expires, nonce)


def _received(request: SignedRequest) -> ReceivedSignature:
    input_value, signature = (request.headers.get(name) for name in (INPUT_HEADER, SIGNATURE_HEADER))
    if input_value is None or signature is None:
        raise SignatureRefused("missing")
    try:
        return read_signature(input_value, signature)
    except MalformedSignature:
        raise SignatureRefused("malformed") from None
    except SeveralSignatures:
        raise SignatureRefused("several signatures") from None
