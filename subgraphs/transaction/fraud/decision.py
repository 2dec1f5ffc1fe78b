"""The result of a fraud check. It is stored with the transaction and shown to staff only.

This module is pure: it has no I/O and reads no clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Self

import msgspec

from bank.values import format_timestamp, parse_timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

MAX_SCORE: Final = 100


class Action(StrEnum):
    """The action for the order. The actions are listed from the mildest to the most severe one."""

    ALLOW = "ALLOW"
    STEP_UP = "STEP_UP"
    HOLD = "HOLD"
    BLOCK = "BLOCK"

    @property
    def severity(self) -> int:
        """The position in the list of actions; a greater number is more severe."""
        return _SEVERITY[self]


_SEVERITY: Final[Mapping[Action, int]] = MappingProxyType({action: rank for rank, action in enumerate(Action)})


class Unavailability(StrEnum):
    """The reasons why the rules cannot be evaluated. The configured default then decides."""

    DEADLINE = "DEADLINE"
    WINDOWS = "WINDOWS"
    STORE = "STORE"
    INTERNAL = "INTERNAL"


@dataclass(frozen=True, slots=True)
class Reason:
    """A rule that was hit.

    Attributes:
        rule: the name of the rule in the rules file.
        kind: the kind of the rule, such as `velocity_count`.
        score: the number that the rule adds to the score of the decision.
        action: the decision is at least as severe as this action; ALLOW if the rule only adds to the score.
        shadow: whether the rule is in shadow mode: its hit is recorded, but changes neither score nor action.
        observed: the values that the rule measured, and the values with which they were compared, such as
            `{"count": 6, "more_than": 5, "window": "1m"}`. There are counts, sums, times and currencies, but no ids,
            names or texts of customers.
    """

    rule: str
    kind: str
    score: int
    action: Action
    shadow: bool
    observed: Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision of the rules about one order.

    Attributes:
        score: from 0 (no rule was hit) to 100.
        rules_version: the `version` of the rules file and the first digits of a hash of its content.
        reasons: the rules that were hit, in the order of the rules file.
        unavailable: the reason why the rules could not be evaluated; None if they were evaluated.
    """

    action: Action
    score: int
    rules_version: str
    reasons: tuple[Reason, ...]
    decided_at: datetime
    unavailable: Unavailability | None = None

    @property
    def must_wait(self) -> bool:
        """Whether the order becomes HELD.

        An order with the action STEP_UP becomes HELD, too, until its customer has proved their identity again
        (`subgraphs.transaction.step_up`), or a reviewer decides.
        """
        return self.action in {Action.STEP_UP, Action.HOLD}

    @property
    def is_refused(self) -> bool:
        """Whether the order fails without a posting."""
        return self.action is Action.BLOCK

    def to_document(self) -> dict[str, object]:
        """Return the JSON form for stores and events. A later release may add keys, but not remove or rename any."""
        return {
            "action": self.action.value,
            "score": self.score,
            "rulesVersion": self.rules_version,
            "decidedAt": format_timestamp(self.decided_at),
            "unavailable": self.unavailable.value if self.unavailable else None,
            "reasons": [
                {
                    "rule": reason.rule,
                    "kind": reason.kind,
                    "score": reason.score,
                    "action": reason.action.value,
                    "shadow": reason.shadow,
                    "observed": dict(reason.observed),
                }
                for reason in self.reasons
            ],
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Return the decision in a document of `to_document`. Unknown keys of a later release are ignored."""
        unavailable = document.get("unavailable")
        return cls(
            Action(document["action"]),
            document["score"],
            document["rulesVersion"],
            tuple(
                Reason(
                    each["rule"],
                    each["kind"],
                    each["score"],
                    Action(each["action"]),
                    each["shadow"],
                    MappingProxyType(dict(each["observed"])),
                )
                for each in document["reasons"]
            ),
            parse_timestamp(document["decidedAt"]),
            Unavailability(unavailable) if unavailable else None,
        )

    def to_json(self) -> str:
        return msgspec.json.encode(self.to_document()).decode()

    @classmethod
    def from_json(cls, text: str) -> Self:
        return cls.from_document(msgspec.json.decode(text))
