"""A refusal is data: the interface of every way in which a mutation may say no."""

from __future__ import annotations

import strawberry


@strawberry.interface(
    description="Why a mutation was refused. A refusal is an answer, not a fault: faults are GraphQL errors."
)
class Problem:
    code: str = strawberry.field(description="Stable, upper snake case; never renamed.")
    message: str = strawberry.field(description="For people; may change.")
