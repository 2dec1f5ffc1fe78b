"""The signatures of a provider's webhooks: a time and HMAC-SHA256 codes in one header.

```
X-Payment-Signature: t=1767225600,v1=5257a869e7ecebed…,v1=9c8f3b…
```

A code is the HMAC-SHA256 over `t`, a full stop and the body, in hexadecimal. While a secret is replaced, the provider
may send a code for each secret, and the service may know two secrets; one pair that agrees is enough.

This module is pure: it has no I/O and reads no clock.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import TYPE_CHECKING, Final

from servicekit.http_signatures.request_verifier import VerifiedHead

if TYPE_CHECKING:
    from collections.abc import Sequence

HEADER: Final = "x-payment-signature"
# How far the time of a signature may be from the clock of the receiver, before and after it.
TOLERANCE_SECONDS: Final = 300
_TIME: Final = re.compile(r"[0-9]{1,12}")
_CODE: Final = re.compile(r"[0-9a-f]{64}")
# A provider sends a code for each of its secrets. More codes would only give an attacker more guesses.
_MAX_CODES: Final = 4


class WebhookRefused(Exception):
    """The signature is missing, wrong, too old or from the future, or was used before. `reason` is for the log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def sign(body: bytes, secrets: Sequence[str], at: int) -> str:
    """Return the value of the header for `body`, with a code for each secret. `at` is in Unix seconds."""
    return ",".join([f"t={at}", *(f"v1={_code(body, secret, at)}" for secret in secrets)])


def verify(header: str | None, body: bytes, secrets: Sequence[str], now: float) -> VerifiedHead:
    """Return the time of the signature and the nonce of the message, which must be new.

    All codes are compared with the codes of all secrets, each in constant time, so the time that this takes depends on
    their number alone. `now` is in Unix seconds.

    Raises:
        WebhookRefused: the signature is not valid.
    """
    at, codes = _parse(header)
    matches = [hmac.compare_digest(_code(body, secret, at), code) for secret in secrets for code in codes]
    if not any(matches):
        raise WebhookRefused("wrong signature")
    if at < now - TOLERANCE_SECONDS:
        raise WebhookRefused("too old")
    if at > now + TOLERANCE_SECONDS:
        raise WebhookRefused("from the future")
    # The nonce is computed from the message alone, so that a replay with other codes is recognized too.
    digest = hashlib.sha256(f"{at}.".encode() + body).hexdigest()
    return VerifiedHead("webhook", digest, digest, at, at + TOLERANCE_SECONDS)


def _code(body: bytes, secret: str, at: int) -> str:
    return hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()


def _parse(header: str | None) -> tuple[int, list[str]]:
    if not header:
        raise WebhookRefused("no signature")
    times, codes = [], []
    for part in header.split(","):
        name, _, value = part.strip().partition("=")
        if name == "t":
            times.append(value)
        elif name == "v1":
            codes.append(value)
    if len(times) != 1 or not _TIME.fullmatch(times[0]) or not 1 <= len(codes) <= _MAX_CODES:
        raise WebhookRefused("malformed signature")
    if not all(map(_CODE.fullmatch, codes)):
        raise WebhookRefused("malformed signature")
    return int(times[0]), codes
