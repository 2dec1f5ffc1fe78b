"""Recovery codes: ten texts that a user keeps on paper, for the day on which the phone is lost.

A code has 120 random bits, so a fast hash suffices: only the hash is stored. OWASP ASVS 5.0
(6.5.2) asks for a password hash below 112 bits.

This module is pure: it has no I/O and reads no clock.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

COUNT: Final = 10
# The alphabet of Crockford's base32, which has no letters that look like digits.
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LOOKALIKES: Final = str.maketrans("OIL", "011")
# 24 characters of 5 bits.
_GROUPS: Final = 6
_GROUP_LENGTH: Final = 4


def new_codes() -> list[str]:
    """Return `COUNT` new codes, such as `8Q2M-0KXT-5RWA-J71C-P3ZN-V6HD`."""
    return [_new_code() for _ in range(COUNT)]


def _new_code() -> str:
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP_LENGTH)) for _ in range(_GROUPS))
    return "-".join(groups)


def digest(user_id: str, code: str) -> bytes:
    """Return the SHA-256 digest of a code of a user, which is stored instead of the code.

    Case, spaces and hyphens do not matter, and letters that look like digits count as these digits.
    """
    plain = "".join(code.upper().split()).replace("-", "").translate(_LOOKALIKES)
    return hashlib.sha256(f"{user_id} {plain}".encode("utf-8", "surrogatepass")).digest()
