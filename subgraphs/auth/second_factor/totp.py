"""Codes of authenticator apps: time-based one-time passwords (RFC 6238), six digits, a new one each 30 seconds.

By default, a code is accepted in its own 30 seconds only (OWASP ASVS 5.0, 6.5.5), because phones and servers set their
clocks by the network. An operator may accept steps before and after it, for clocks that differ (RFC 6238 §5.2). A code
is accepted once: the store keeps the step of the last code, and only later steps count.

This module is pure: it has no I/O and reads no clock.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import pyotp
from pyotp.utils import strings_equal

if TYPE_CHECKING:
    from datetime import datetime

# The name of the bank in the list of an authenticator app.
ISSUER: Final = "MoSafe"
# The purpose of the sealer of secrets (`subgraphs.auth.sealing`).
SEALED_FOR: Final = "secrets of authenticator apps"
# 32 characters of base32 are 160 bits, as RFC 4226 §4 recommends.
_SECRET_CHARACTERS: Final = 32

_CODE: Final = re.compile(r"[0-9]{6}")


def new_secret() -> str:
    """Return a random secret of 160 bits in base32."""
    return pyotp.random_base32(_SECRET_CHARACTERS)


def key_uri(secret: str, account: str) -> str:
    """Return the `otpauth://` URI of a secret, which authenticator apps read as a QR code.

    `account` is the name of the user's entry in the app.
    """
    return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=ISSUER)


def matching_step(secret: str, code: str, now: datetime, tolerance: int = 0) -> int | None:
    """Return the number of the 30-second step whose code is `code`, or None if the code is wrong.

    Spaces in the code are ignored, because apps show them. `tolerance` is the number of steps before and after the
    present one whose codes are accepted, too.
    """
    digits = code.replace(" ", "")
    if _CODE.fullmatch(digits) is None:
        return None
    app = pyotp.TOTP(secret)
    present = app.timecode(now)
    steps = range(present - tolerance, present + tolerance + 1)
    # Every step is compared, so that the time does not depend on the step.
    matching = [step for step in steps if strings_equal(digits, app.generate_otp(step))]
    return matching[-1] if matching else None
