"""Decides whether headers can contain a credential, which says who the client is and what it may read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# `Authorization` and `Cookie` (RFC 9110 §11.6.2, RFC 6265 §5.4), and how programs name their own headers. A header that
# is mistaken for a credential only costs the sharing of a response.
_CREDENTIAL = re.compile(
    r"auth|cookie|token|api-?_?key|secret|session|credential|jwt|passw|signature|cert|user|identity|account|tenant"
)


def is_anonymous(headers: Iterable[str]) -> bool:
    """Return whether no header in `headers`, which are names in lower case, can contain a credential."""
    return _CREDENTIAL.search("\n".join(headers).replace("user-agent", "")) is None
