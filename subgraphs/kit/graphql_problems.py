"""Problems as GraphQL types (bank §2.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import strawberry

from subgraphs.kit import step_up
from subgraphs.kit.domain_problems import facts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from subgraphs.kit.domain_problems import DomainProblem
    from subgraphs.kit.step_up import RequiredLogin


@strawberry.interface(
    description="Why a mutation was refused. A refusal is a result of the mutation; failures are GraphQL errors."
)
class Problem:
    code: str = strawberry.field(description="A stable code in upper snake case.")
    message: str = strawberry.field(description="A human-readable text, which may change.")


@strawberry.federation.type(
    shareable=True, description="The account does not exist, is closed, or the caller may not use it."
)
class InvalidAccount(Problem):
    account_id: strawberry.ID = strawberry.field(description="The account's id or number, as the caller gave it.")
    reason: str | None = strawberry.field(
        description="Why the account cannot be used; null for callers who may not see the account."
    )


@strawberry.federation.type(
    shareable=True,
    description="The login is too old or too weak for this operation. Nothing has happened; `stepUp` gives a new access"
    " token, with which the same operation goes through.",
)
class StepUpRequired(Problem):
    acr_values: list[str] = strawberry.field(
        description="The claim `acr` of the access token must have one of these values; empty if any login suffices."
    )
    max_age: int = strawberry.field(description="The largest number of seconds since the claim `auth_time`.")

    @classmethod
    def of(cls, required: RequiredLogin) -> StepUpRequired:
        """Return the problem of a login that does not meet `required`."""
        problem = step_up.StepUpRequired.of(required)
        return cls(
            code=problem.code,
            message=problem.message,
            acr_values=list(problem.acr_values),
            max_age=problem.max_age,
        )


def graphql_problem(problem: DomainProblem, types: Mapping[type, Callable[..., object]]) -> Any:
    """Return the GraphQL object of `problem`.

    `types` maps each class of the domain to its GraphQL type, which has the same fields.
    """
    return types[type(problem)](code=problem.code, message=problem.message, **facts(problem))
