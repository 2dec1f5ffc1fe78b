"""Signs requests to one URL (RFC 9421 §3.1).

A signature covers the method, the URL, the digest of the body, the media type, and the headers in the list `covered`,
if the request has them. Each signature has a nonce that the signer never uses again, and the name of its receiver
(`tag`). So nobody can send the request a second time, or to another receiver that has the same key.
"""

from __future__ import annotations

import itertools
import re
import secrets
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from servicekit.http_signatures.content_digest import HEADER as DIGEST_HEADER
from servicekit.http_signatures.content_digest import content_digest
from servicekit.http_signatures.signature_base import component_line, encode_base, normal_authority, normal_query
from servicekit.http_signatures.signature_fields import signature_headers

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from servicekit.http_signatures.keys import SigningKey

DEFAULT_LIFETIME: Final = 60.0
"""How many seconds a signature is valid."""

_NONCE_BYTES: Final = 12
# The text of a parameter without escapes (RFC 9651 §3.3.3).
_TAG: Final = re.compile(r"[ !#-\[\]-~]{1,200}")


class SigningTarget(NamedTuple):
    """What all requests of a signer have in common.

    Attributes:
        tag: the name of the receiver, which the verifier compares with its own name.
        authority: the value of the header `Host`.
        target: the path and the query.
        content_type: the value of the header `Content-Type`.
        method: the method.
    """

    tag: str
    authority: str
    target: str
    content_type: str
    method: str = "POST"


class RequestSigner:
    """Signs requests to one `SigningTarget`."""

    def __init__(
        self,
        key: SigningKey,
        target: SigningTarget,
        *,
        covered: Collection[str],
        lifetime: float = DEFAULT_LIFETIME,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Create the signer.

        Args:
            key: the key that signs.
            target: the URL and the receiver of the requests.
            covered: the names of headers, in lower case, that a signature covers if the request has them.
            lifetime: how many seconds a signature is valid.
            clock: returns Unix seconds.

        Raises:
            ValueError: the name of the receiver has a character that a signature cannot have.
        """
        if _TAG.fullmatch(target.tag) is None:
            raise ValueError(f"{target.tag!r} cannot be the receiver of a signature: it has other than visible ASCII")
        self._key = key
        self._covered = tuple(sorted(covered))
        self._lifetime = max(1, int(lifetime))
        self._clock = clock
        same = _same_components(target)
        self._lines = tuple(component_line(name, value) for name, value in same.items())
        self._names = " ".join(f'"{name}"' for name in (*same, DIGEST_HEADER))
        self._end = f';keyid="{key.id}";alg="{key.algorithm}";tag="{target.tag}"'
        # A nonce consists of this random text, which is made once, and a rising number. So each nonce is unique, and no
        # request needs its own random text.
        self._nonces = itertools.count()
        self._prefix = secrets.token_urlsafe(_NONCE_BYTES)

    def headers(self, body: bytes, headers: Mapping[str, str]) -> dict[str, str]:
        """Return the headers to add to a request that has this body and these headers.

        Raises:
            NotAscii: a header that the signature must cover has a character that is not ASCII.
        """
        digest = content_digest(body)
        own = {name.lower(): value for name, value in headers.items()}
        present = [name for name in self._covered if name in own]
        created = int(self._clock())
        names = "".join((self._names, *(f' "{name}"' for name in present)))
        nonce = f"{self._prefix}.{next(self._nonces):x}"
        text = f'({names});created={created};expires={created + self._lifetime};nonce="{nonce}"{self._end}'
        lines = [*self._lines, component_line(DIGEST_HEADER, digest)]
        lines += [component_line(name, own[name].strip(" \t")) for name in present]
        lines.append(component_line("@signature-params", text))
        return {DIGEST_HEADER: digest, **signature_headers(text, self._key.sign(encode_base(lines)))}


def _same_components(target: SigningTarget) -> dict[str, str]:
    """Return the components that all requests have in common."""
    path, _, query = target.target.partition("?")
    return {
        "@method": target.method,
        "@authority": normal_authority(target.authority),
        "@path": path or "/",
        "@query": normal_query(query),
        "content-type": target.content_type,
    }
