"""The mutations of accounts: open, update, close.

If the bank refuses a mutation, the result is a problem. Any other failure is a GraphQL error (bank §2.4).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable  # noqa: TC003 - strawberry reads annotations at run time
from decimal import Decimal  # noqa: TC003 - as above
from typing import Annotated, Any, Final

import strawberry
from strawberry import UNSET

from bank import values
from bank.scopes import ACCOUNTS, READ
from bank.staff_operations import StaffOperation  # noqa: TC001 - strawberry reads annotations at run time
from bank.values import is_object_id
from servicekit.errors import BadUserInput
from subgraphs.account import domain, problems
from subgraphs.account.exports.graphql_exports import RequestStatementExportResult, request_statement_export
from subgraphs.account.graphql_statement import Info  # noqa: TC001 - strawberry reads annotations at run time
from subgraphs.account.graphql_types import Account, AccountStatus, AccountType, present
from subgraphs.account.staff_operations import status_operation
from subgraphs.kit import descriptions
from subgraphs.kit.delegated_scopes import needs_scope
from subgraphs.kit.graphql_problems import InvalidAccount, Problem, graphql_problem
from subgraphs.kit.scalars import Currency  # noqa: TC001 - as above


@strawberry.type(description="The user already owns as many open accounts as allowed.")
class LimitReached(Problem):
    limit: int = strawberry.field(description="How many accounts that are not closed a user may own.")


@strawberry.type(description="The account has changed since the caller read it.")
class VersionConflict(Problem):
    expected_version: int = strawberry.field(description="The version that the caller gave.")
    current_version: int = strawberry.field(description="The version that the account has.")


@strawberry.type(description="The account's status does not allow the change.")
class StateConflict(Problem):
    pass


@strawberry.type(description="An account that holds money cannot be closed.")
class AccountNotEmpty(Problem):
    balance: Decimal = strawberry.field(description="The balance of the account.")
    currency: Currency = strawberry.field(description="The currency of the balance.")


@strawberry.type(description="The account is open.")
class OpenAccountSuccess:
    account: Account = strawberry.field(description="The new account.")


@strawberry.type(description="The account was updated, or was already as wanted.")
class UpdateAccountSuccess:
    account: Account = strawberry.field(description="The account after the update.")


@strawberry.type(description="The account is closed.")
class CloseAccountSuccess:
    account: Account = strawberry.field(description="The closed account.")


OpenAccountResult = Annotated[
    OpenAccountSuccess | LimitReached,
    strawberry.union("OpenAccountResult", description="The new account, or why it was not opened."),
]
UpdateAccountResult = Annotated[
    UpdateAccountSuccess | InvalidAccount | VersionConflict | StateConflict,
    strawberry.union("UpdateAccountResult", description="The updated account, or why it was not updated."),
]
CloseAccountResult = Annotated[
    CloseAccountSuccess | InvalidAccount | AccountNotEmpty | VersionConflict,
    strawberry.union("CloseAccountResult", description="The closed account, or why it was not closed."),
]

# Maps each problem of the domain to its GraphQL type.
_PROBLEMS: Final[dict[type[problems.Problem], Callable[..., object]]] = {
    problems.InvalidAccount: InvalidAccount,
    problems.LimitReached: LimitReached,
    problems.VersionConflict: VersionConflict,
    problems.StateConflict: StateConflict,
    problems.AccountNotEmpty: AccountNotEmpty,
}


async def _result(
    info: Info,
    outcome: Awaitable[domain.Account | problems.Problem],
    success: Callable[..., object],
) -> Any:
    """Await `outcome`, and return it as a GraphQL object of the mutation's union type.

    If the outcome is an account, the object is made by `success`. If it is a problem, the object has the GraphQL type
    of the problem.
    """
    decided = await outcome
    info.context.loaders.clear()
    if isinstance(decided, domain.Account):
        return success(account=present(decided, info.context.caller))
    return graphql_problem(decided, _PROBLEMS)


@strawberry.input(description="The account to open; the caller becomes its owner.")
class OpenAccountInput:
    type: AccountType = strawberry.field(description="The purpose of the account.")
    currency: Currency = strawberry.field(description="The currency of the account; it never changes.")


@strawberry.input(description="The changes; a field that is absent or null stays as it is.")
class UpdateAccountInput:
    id: strawberry.ID = strawberry.field(description="The id of the account, 24 hexadecimal digits.")
    type: AccountType | None = strawberry.field(default=UNSET, description="The new purpose of the account.")
    status: AccountStatus | None = strawberry.field(
        default=UNSET, description="`FROZEN` or `ACTIVE`, for staff only; use `closeAccount` to close the account."
    )
    expected_version: int | None = strawberry.field(
        default=UNSET, description="Update the account only if this is its version, 1 or more."
    )


@strawberry.input(description="The account to close.")
class CloseAccountInput:
    id: strawberry.ID = strawberry.field(
        description="The id of the account, 24 hexadecimal digits; the account must be empty."
    )
    expected_version: int | None = strawberry.field(
        default=UNSET, description="Close the account only if this is its version, 1 or more."
    )


async def _open_account(
    info: Info,
    input: Annotated[OpenAccountInput, strawberry.argument(description="The account.")],  # noqa: A002 - the schema's name
) -> OpenAccountResult:
    services, user_id = info.context.services, info.context.caller.user_id
    opening = domain.Opening(user_id, domain.AccountType[input.type.name], input.currency)

    def rule(already_open: int) -> domain.Account | problems.Problem:
        return domain.open_account(opening, already_open=already_open, limit=services.max_per_user, now=values.now())

    result: OpenAccountResult = await _result(info, services.writes.open(user_id, rule), OpenAccountSuccess)
    return result


async def _update_account(
    info: Info,
    input: Annotated[UpdateAccountInput, strawberry.argument(description="The change.")],  # noqa: A002 - the schema's name
) -> UpdateAccountResult:
    caller, change = info.context.caller, _change(input)
    domain.check_may_change(change, caller)

    def rule(account: domain.Account | None) -> domain.Account | problems.Problem:
        return domain.update_account(account, input.id, change, caller, values.now())

    async def update() -> domain.Account | problems.Problem:
        return await info.context.services.writes.change(input.id, rule)

    if change.status is not None and is_object_id(input.id):
        operation = status_operation(caller.user_id, input.id, change.status)
        result: UpdateAccountResult = await _result(info, _recorded(info, operation, update), UpdateAccountSuccess)
    else:
        result = await _result(info, update(), UpdateAccountSuccess)
    return result


async def _recorded(
    info: Info, operation: StaffOperation, update: Callable[[], Awaitable[domain.Account | problems.Problem]]
) -> domain.Account | problems.Problem:
    """Make a change by staff between its two entries in the audit log."""
    async with info.context.services.audit.recording(operation) as record:
        decided = await update()
        if isinstance(decided, domain.Account):
            record.done()
        else:
            record.refused(decided.code)
    return decided


def _change(given: UpdateAccountInput) -> domain.Change:
    """Return the change in `given`. Raise BadUserInput if `given` is empty, or if its status is CLOSED."""
    if given.status is AccountStatus.CLOSED:
        raise _bad_field("status", "use the mutation `closeAccount` to close an account")
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

    def rule(account: domain.Account | None) -> domain.Account | problems.Problem:
        return domain.close_account(account, input.id, expected, caller, values.now())

    result: CloseAccountResult = await _result(
        info, info.context.services.writes.change(input.id, rule), CloseAccountSuccess
    )
    return result


@strawberry.type(description=descriptions.MUTATION)
class Mutation:
    open_account: OpenAccountResult | None = strawberry.field(
        resolver=_open_account, metadata=needs_scope(ACCOUNTS), description="Open an account for the caller."
    )
    update_account: UpdateAccountResult | None = strawberry.field(
        resolver=_update_account,
        metadata=needs_scope(ACCOUNTS),
        description="Change the type of the caller's account; staff freeze and unfreeze accounts of others.",
    )
    close_account: CloseAccountResult | None = strawberry.field(
        resolver=_close_account,
        metadata=needs_scope(ACCOUNTS),
        description="Close the caller's empty account; it cannot be opened again.",
    )
    request_statement_export: RequestStatementExportResult | None = strawberry.field(
        resolver=request_statement_export,
        metadata=needs_scope(READ),
        description="Write the entries of an account to a file, in the background. The file is deleted after a day.",
    )
