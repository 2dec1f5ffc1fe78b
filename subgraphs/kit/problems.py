"""Problems: the GraphQL types of refusals (bank §2.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import strawberry

from subgraphs.kit.refusals import facts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from subgraphs.kit.refusals import Refusal


@strawberry.interface(
    description="Why a mutation was refused. A refusal is a result of the mutation; failures are GraphQL errors."
)
class Problem:
    code: str = strawberry.field(description="A stable code in upper snake case.")
    message: str = strawberry.field(description="A text for people; it may change.")


@strawberry.federation.type(
    shareable=True, description="The account does not exist, is closed, or the caller may not use it."
)
class InvalidAccount(Problem):
    account_id: strawberry.ID = strawberry.field(description="The account's id or number, as the caller gave it.")
    reason: str | None = strawberry.field(
        description="Why the account cannot be used; null for callers who may not see the account."
    )


def present_refusal(refusal: Refusal, types: Mapping[type, Callable[..., object]]) -> Any:
    """The GraphQL object of `refusal`, by the table refusal class -> GraphQL type; both have the same fields."""
    return types[type(refusal)](code=refusal.code, message=refusal.message, **facts(refusal))
