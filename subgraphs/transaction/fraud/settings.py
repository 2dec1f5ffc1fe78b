"""The settings of fraud checks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

DEADLINE_SECONDS: Final = 0.25


@dataclass(frozen=True, slots=True)
class FraudSettings:
    """The settings of fraud checks.

    Attributes:
        rules: the rules file; None for the bundled rules.
        redis_url: the URL of the Redis that stores the windows. If None, the windows are in the memory of the process.
        deadline: after how many seconds the configured default decides.
    """

    rules: Path | None = None
    redis_url: str | None = None
    deadline: float = DEADLINE_SECONDS
