"""The decision of the fraud rules as GraphQL types. Only staff see it."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - strawberry reads annotations at run time
from enum import Enum
from typing import TYPE_CHECKING

import strawberry

from subgraphs.kit.connections import short_list

if TYPE_CHECKING:
    from subgraphs.transaction.fraud.decision import Decision


@strawberry.enum(description="What happens with an order.")
class FraudAction(Enum):
    ALLOW = strawberry.enum_value("ALLOW", description="The order is carried out.")
    STEP_UP = strawberry.enum_value("STEP_UP", description="The order waits until its customer has been identified.")
    HOLD = strawberry.enum_value("HOLD", description="The order waits for a review.")
    BLOCK = strawberry.enum_value("BLOCK", description="The order is refused.")


@strawberry.type(description="A value that a fraud rule measured or compared with.")
class FraudObservation:
    name: str = strawberry.field(
        description="What was measured, such as `count`, or compared with, such as `more_than`."
    )
    value: str = strawberry.field(description="The count, the sum in minor units, the time or the text.")


@strawberry.type(description="A fraud rule that was hit.")
class FraudReason:
    rule: str = strawberry.field(description="The name of the rule.")
    kind: str = strawberry.field(description="The kind of the rule.")
    score: int = strawberry.field(description="What the rule adds to the score.")
    action: FraudAction = strawberry.field(description="The mildest action that the rule asks for.")
    shadow: bool = strawberry.field(description="Whether the rule is only observed and changes no decision.")
    observed: list[FraudObservation] = strawberry.field(
        directives=[short_list(4)], description="What the rule measured."
    )


@strawberry.type(description="What the fraud rules decided about an order.")
class FraudDecision:
    action: FraudAction = strawberry.field(description="What happens with the order.")
    score: int = strawberry.field(description="From 0, no rule was hit, to 100.")
    rules_version: str = strawberry.field(description="The version of the rules.")
    decided_at: datetime = strawberry.field(description="The time of the decision.")
    unavailable: str | None = strawberry.field(
        description="Why the rules could not be evaluated, so that the configured default decided; null if they were."
    )
    reasons: list[FraudReason] = strawberry.field(directives=[short_list(4)], description="The rules that were hit.")


def present_decision(decision: Decision) -> FraudDecision:
    return FraudDecision(
        action=FraudAction[decision.action.name],
        score=decision.score,
        rules_version=decision.rules_version,
        decided_at=decision.decided_at,
        unavailable=decision.unavailable.value if decision.unavailable else None,
        reasons=[
            FraudReason(
                rule=reason.rule,
                kind=reason.kind,
                score=reason.score,
                action=FraudAction[reason.action.name],
                shadow=reason.shadow,
                observed=[FraudObservation(name=name, value=str(value)) for name, value in reason.observed.items()],
            )
            for reason in decision.reasons
        ],
    )
