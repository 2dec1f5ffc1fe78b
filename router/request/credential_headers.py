"""Decides whether headers can contain a credential.

A credential says who the client is and what the client may read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from servicekit.results_for_short_texts import ResultsForShortTexts

if TYPE_CHECKING:
    from collections.abc import Iterable

# `Authorization` and `Cookie` (RFC 9110 §11.6.2, RFC 6265 §5.4), and words that are usual in the names of other headers
# with a credential. If a header without a credential matches, the only effect is that a response is not shared between
# clients.
_CREDENTIAL = re.compile(
    r"auth|cookie|token|api-?_?key|secret|session|credential|jwt|passw|signature|cert|user|identity|account|tenant"
)


def is_anonymous(headers: Iterable[str]) -> bool:
    """Return whether no header in `headers` can contain a credential. `headers` are names in lower case."""
    return _results("\n".join(headers))


def _are_anonymous(names: str) -> bool:
    return _CREDENTIAL.search(names.replace("user-agent", "")) is None


# Most requests of a client have the same header names. So the result for these names is kept.
_results: Final = ResultsForShortTexts(_are_anonymous, max_length=1_000)
