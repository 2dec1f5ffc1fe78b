"""What can be done with accounts: open, change, close. A refusal is an answer; faults are GraphQL errors."""

from __future__ import annotations

from collections.abc import Awaitable, Callable  # noqa: TC003 - strawberry reads annotations at run time
from dataclasses import fields
from decimal import Decimal  # noqa: TC003 - as above
from typing import Annotated, Any, Final

import strawberry
from strawberry import UNSET

from bank import values
from servicekit.errors import BadUserInput
from subgraphs.account import domain, problems
from subgraphs.account.types import Account, AccountStatus, AccountType, Info, present
from subgraphs.kit import descriptions
from subgraphs.kit.problems import Problem
from subgraphs.kit.scalars import Currency  # noqa: TC001 - as above


@strawberry.federation.type(
    shareable=True, description="No such account, or none that the caller may use, or one that is closed."
)
class InvalidAccount(Problem):
    account_id: strawberry.ID = strawberry.field(description="The account as it was named.")
    reason: str | None = strawberry.field(description="Why, for those who may see the account; else null.")


@strawberry.type(description="The user owns as many open accounts as allowed.")
class LimitReached(Problem):
    limit: int = strawberry.field(description="How many accounts that are not closed a user may own.")


@strawberry.type(description="The account has changed since the caller read it.")
class VersionConflict(Problem):
    expected_version: int = strawberry.field(description="As the caller gave it.")
    current_version: int = strawberry.field(description="What it is now.")


@strawberry.type(description="The account's status does not allow the change.")
class StateConflict(Problem):
    pass


@strawberry.type(description="An account that holds money cannot be closed.")
class AccountNotEmpty(Problem):
    balance: Decimal = strawberry.field(description="What is still on the account.")
    currency: Currency = strawberry.field(description="The balance's currency.")


@strawberry.type(description="The account is open.")
class OpenAccountSuccess:
    account: Account = strawberry.field(description="The new account.")


@strawberry.type(description="The account is as wanted.")
class UpdateAccountSuccess:
    account: Account = strawberry.field(description="The account after the change.")


@strawberry.type(description="The account is closed.")
class CloseAccountSuccess:
    account: Account = strawberry.field(description="The closed account.")


OpenAccountResult = Annotated[
    OpenAccountSuccess | LimitReached,
    strawberry.union("OpenAccountResult", description="The new account, or why there is none."),
]
UpdateAccountResult = Annotated[
    UpdateAccountSuccess | InvalidAccount | VersionConflict | StateConflict,
    strawberry.union("UpdateAccountResult", description="The changed account, or why it is as it was."),
]
CloseAccountResult = Annotated[
    CloseAccountSuccess | InvalidAccount | AccountNotEmpty | VersionConflict,
    strawberry.union("CloseAccountResult", description="The closed account, or why it is still open."),
]

# Refusal of the domain -> its GraphQL type, which has the same fields.
_PROBLEMS: Final[dict[type[problems.Refusal], Callable[..., object]]] = {
    problems.InvalidAccount: InvalidAccount,
    problems.LimitReached: LimitReached,
    problems.VersionConflict: VersionConflict,
    problems.StateConflict: StateConflict,
    problems.AccountNotEmpty: AccountNotEmpty,
}


async def _answer(
    info: Info,
    outcome: Awaitable[domain.Account | problems.Refusal],
    success: Callable[..., object],
) -> Any:
    """What the mutation answers; the refusals that its rule knows are the other members of its union."""
    decided = await outcome
    info.context.loaders.forget()
    if isinstance(decided, domain.Account):
        return success(account=present(decided))
    facts = {field.name: getattr(decided, field.name) for field in fields(decided)}
    return _PROBLEMS[type(decided)](code=decided.code, message=decided.message, **facts)


@strawberry.input(description="The account to open; it will be the caller's.")
class OpenAccountInput:
    type: AccountType = strawberry.field(description="What it is for.")
    currency: Currency = strawberry.field(description="What it is held in, for good.")


@strawberry.input(description="What to change; what is left out or null stays.")
class UpdateAccountInput:
    id: strawberry.ID = strawberry.field(description="Which account.")
    type: AccountType | None = strawberry.field(default=UNSET, description="What it shall be for.")
    status: AccountStatus | None = strawberry.field(
        default=UNSET, description="`FROZEN` or `ACTIVE`, for staff; closing has its own mutation."
    )
    expected_version: int | None = strawberry.field(
        default=UNSET, description="Change the account only if this is still its version."
    )


@strawberry.input(description="The account to close.")
class CloseAccountInput:
    id: strawberry.ID = strawberry.field(description="Which account; it must be empty.")
    expected_version: int | None = strawberry.field(
        default=UNSET, description="Close the account only if this is still its version."
    )


async def _open_account(
    info: Info,
    input: Annotated[OpenAccountInput, strawberry.argument(description="The account.")],  # noqa: A002 - the schema's name
) -> OpenAccountResult:
    services, user_id = info.context.services, info.context.caller.user_id
    opening = domain.Opening(user_id, domain.AccountType[input.type.name], input.currency)

    def rule(already_open: int) -> domain.Account | problems.Refusal:
        return domain.open_account(opening, already_open=already_open, limit=services.max_per_user, now=values.now())

    result: OpenAccountResult = await _answer(info, services.store.open(user_id, rule), OpenAccountSuccess)
    return result


async def _update_account(
    info: Info,
    input: Annotated[UpdateAccountInput, strawberry.argument(description="The change.")],  # noqa: A002 - the schema's name
) -> UpdateAccountResult:
    caller, change = info.context.caller, _change(input)
    domain.check_may_change(change, caller)

    def rule(account: domain.Account | None) -> domain.Account | problems.Refusal:
        return domain.update_account(account, input.id, change, caller, values.now())

    result: UpdateAccountResult = await _answer(
        info, info.context.services.store.change(input.id, rule), UpdateAccountSuccess
    )
    return result


def _change(given: UpdateAccountInput) -> domain.Change:
    """The change that ``given`` asks for. Raises BadUserInput when it asks for none, or to close."""
    if given.status is AccountStatus.CLOSED:
        raise _bad_field("status", "closing has its own mutation, `closeAccount`")
    if not given.type and not given.status:
        raise _bad_field("type", "give a type or a status")
    return domain.Change(
        type=domain.AccountType[given.type.name] if given.type else None,
        status=domain.AccountStatus[given.status.name] if given.status else None,
        expected_version=_optional(given.expected_version),
    )


def _bad_field(name: str, message: str) -> BadUserInput:
    field = {"path": ["input", name], "code": "INVALID_VALUE", "message": message}
    return BadUserInput(details={"fields": [field]})


def _optional(version: int | None) -> int | None:
    return None if version is UNSET else version


async def _close_account(
    info: Info,
    input: Annotated[CloseAccountInput, strawberry.argument(description="The account.")],  # noqa: A002 - the schema's name
) -> CloseAccountResult:
    caller, expected = info.context.caller, _optional(input.expected_version)

    def rule(account: domain.Account | None) -> domain.Account | problems.Refusal:
        return domain.close_account(account, input.id, expected, caller, values.now())

    result: CloseAccountResult = await _answer(
        info, info.context.services.store.change(input.id, rule), CloseAccountSuccess
    )
    return result


@strawberry.type(description=descriptions.MUTATION)
class Mutation:
    open_account: OpenAccountResult | None = strawberry.field(
        resolver=_open_account, description="Open an account for the caller."
    )
    update_account: UpdateAccountResult | None = strawberry.field(
        resolver=_update_account, description="Change an account's type; staff also freeze and unfreeze it."
    )
    close_account: CloseAccountResult | None = strawberry.field(
        resolver=_close_account, description="Close an empty account for good."
    )
