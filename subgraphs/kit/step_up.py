"""Step-up: some operations need a login that is recent or strong (RFC 9470).

The service compares the claims of the access token with a `RequiredLogin`. If they do not suffice, the result of the
operation is the problem `StepUpRequired`, with what the client must ask its user for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from datetime import datetime

    from bank.identity import Caller


@dataclass(frozen=True, slots=True)
class RequiredLogin:
    """The login that an operation needs.

    Attributes:
        acr_values: the claim `acr` must have one of these values; empty if any login suffices.
        max_age: the largest number of seconds since the claim `auth_time`.
    """

    acr_values: tuple[str, ...]
    max_age: int

    def is_met(self, caller: Caller, now: datetime) -> bool:
        """Whether the caller's login suffices. It does not if a claim is missing."""
        if self.acr_values and caller.acr not in self.acr_values:
            return False
        return caller.auth_time is not None and now.timestamp() - caller.auth_time <= self.max_age


@dataclass(frozen=True, slots=True)
class StepUpRequired:
    """The problem of an operation whose login does not suffice. It has the attributes of `RequiredLogin`."""

    code: ClassVar[str] = "STEP_UP_REQUIRED"
    acr_values: tuple[str, ...]
    max_age: int

    @classmethod
    def of(cls, required: RequiredLogin) -> StepUpRequired:
        return cls(required.acr_values, required.max_age)

    @property
    def message(self) -> str:
        """A human-readable text."""
        if not self.acr_values:
            return "Prove your identity again with your password"
        return "Prove your identity again with a second factor; enrol one first if you have none"
