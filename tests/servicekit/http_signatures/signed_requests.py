"""A signer and a verifier that know each other, and requests as the verifier sees them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from servicekit.http_signatures.keys import HmacKey
from servicekit.http_signatures.request_signer import RequestSigner, SigningTarget
from servicekit.http_signatures.request_verifier import RequestVerifier, VerificationPolicy
from servicekit.http_signatures.signature_base import SignedRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from servicekit.http_signatures.keys import SigningKey

NOW = 1_700_000_000
KEY = HmacKey(b"k" * 32, "first")
OTHER_KEY = HmacKey(b"o" * 32, "second")
TARGET = SigningTarget("account", "127.0.0.1:3002", "/graphql?v=1", "application/json")
BODY = b'{"query":"{ me { id } }"}'
CREDENTIAL = {"authorization": "Bearer token"}


@dataclass
class Clock:
    now: float = NOW

    def __call__(self) -> float:
        return self.now


@dataclass
class Pair:
    """A signer and a verifier, each with its own clock."""

    key: SigningKey = KEY
    signer_clock: Clock = field(default_factory=Clock)
    verifier_clock: Clock = field(default_factory=Clock)
    target: SigningTarget = TARGET
    covered: tuple[str, ...] = ("authorization", "cookie")
    lifetime: float = 60

    def signer(self) -> RequestSigner:
        return RequestSigner(
            self.key, self.target, covered=self.covered, lifetime=self.lifetime, clock=self.signer_clock
        )

    def request(self, headers: Mapping[str, str] = CREDENTIAL, body: bytes = BODY) -> SignedRequest:
        """A signed request as it arrives."""
        return arrived({**headers, **self.signer().headers(body, headers)})


def arrived(headers: Mapping[str, str]) -> SignedRequest:
    """A request to `TARGET` with these headers."""
    own = {"host": TARGET.authority, "content-type": TARGET.content_type}
    return SignedRequest("POST", TARGET.authority, "/graphql", "v=1", {**own, **headers})


def verifier(*keys: HmacKey, clock: Clock | None = None, policy: VerificationPolicy | None = None) -> RequestVerifier:
    return RequestVerifier(
        keys or (KEY,), policy or VerificationPolicy(tag="account"), clock=clock if clock is not None else Clock()
    )
