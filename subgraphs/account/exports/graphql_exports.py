"""Statement exports in GraphQL: a person requests one, and later reads its file."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - strawberry reads annotations at run time
from enum import Enum
from typing import TYPE_CHECKING, Annotated, cast

import strawberry
from strawberry import UNSET

from bank import values
from bank.values import InvalidValue
from servicekit.errors import BadUserInput
from subgraphs.account.exports import export as domain
from subgraphs.account.graphql_statement import Info  # noqa: TC001 - strawberry reads annotations at run time
from subgraphs.account.graphql_types import Account, visible
from subgraphs.account.problems import InvalidAccount as InvalidAccountProblem
from subgraphs.account.staff_operations import export_operation
from subgraphs.account.statements import Period
from subgraphs.kit.graphql_problems import InvalidAccount, Problem, graphql_problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ExportId = Annotated[strawberry.ID, strawberry.argument(description="The id of the export, 24 hexadecimal digits.")]
Part = Annotated[int, strawberry.argument(description="The number of the part, from 0.")]


@strawberry.enum(description="The format of an exported statement.")
class ExportFormat(Enum):
    CSV = strawberry.enum_value(
        "CSV", description="Lines with the columns postedAt, transactionId, amount, currency and balance."
    )
    JSON = strawberry.enum_value("JSON", description="An object with the balances and the entries.")


@strawberry.enum(description="The progress of an export.")
class ExportStatus(Enum):
    PENDING = strawberry.enum_value("PENDING", description="The file is not complete yet.")
    COMPLETED = strawberry.enum_value("COMPLETED", description="The file can be read.")
    FAILED = strawberry.enum_value("FAILED", description="There is no file.")


@strawberry.enum(description="Why an export failed.")
class ExportFailure(Enum):
    TOO_MANY_ENTRIES = strawberry.enum_value(
        "TOO_MANY_ENTRIES", description="The period has more than 100,000 entries; ask for shorter periods."
    )
    INTERNAL_ERROR = strawberry.enum_value("INTERNAL_ERROR", description="The bank could not write the file.")


async def _account(root: strawberry.Parent[StatementExport], info: Info) -> Account | None:
    return visible(info, await info.context.loaders.by_id.load(root.account_id))


async def _content(root: strawberry.Parent[StatementExport], info: Info, part: Part = 0) -> str | None:
    if root.status is not ExportStatus.COMPLETED or not 0 <= part < root.parts:
        return None
    return await info.context.services.exports.export_part(str(root.id), part)


@strawberry.type(description="A file with the entries of an account in a period. Only who requested it sees it.")
class StatementExport:
    id: strawberry.ID = strawberry.field(description="24 hex digits, never reused.")
    account: Account | None = strawberry.field(resolver=_account, description="The account.")
    format: ExportFormat = strawberry.field(description="The format of the file.")
    status: ExportStatus = strawberry.field(description="The progress of the export.")
    from_: datetime = strawberry.field(name="from", description="The beginning of the period.")
    to: datetime = strawberry.field(description="The end of the period, which is not part of it.")
    entries: int = strawberry.field(description="How many entries the file has; 0 until the export is COMPLETED.")
    parts: int = strawberry.field(description="How many parts the file has; 0 until the export is COMPLETED.")
    content: str | None = strawberry.field(
        resolver=_content,
        description="A part of the file; null if there is no such part. The parts in their order are the file.",
    )
    failure: ExportFailure | None = strawberry.field(
        description="Why there is no file; null unless the export is FAILED."
    )
    requested_at: datetime = strawberry.field(description="When the export was requested.")
    expires_at: datetime = strawberry.field(description="When the export and its file are deleted.")
    account_id: strawberry.Private[str]


@strawberry.type(description="The caller has too many exports that have not expired.")
class TooManyExports(Problem):
    limit: int = strawberry.field(description="How many exports a user may have at a time.")


@strawberry.type(description="The export was accepted; its file is written in the background.")
class RequestStatementExportSuccess:
    export: StatementExport = strawberry.field(description="The export.")


RequestStatementExportResult = Annotated[
    RequestStatementExportSuccess | InvalidAccount | TooManyExports,
    strawberry.union("RequestStatementExportResult", description="The export, or why it was not accepted."),
]

# Maps each problem of the domain to its GraphQL type.
_PROBLEMS: Mapping[type, Callable[..., object]] = {
    InvalidAccountProblem: InvalidAccount,
    domain.TooManyExports: TooManyExports,
}


@strawberry.input(description="The statement to export.")
class RequestStatementExportInput:
    account_id: strawberry.ID = strawberry.field(description="The id of the account, 24 hexadecimal digits.")
    format: ExportFormat = strawberry.field(description="The format of the file.")
    from_: datetime | None = strawberry.field(
        default=UNSET, name="from", description="Entries at or after this time; by default since the opening."
    )
    to: datetime | None = strawberry.field(
        default=UNSET, description="Entries before this time; by default, and at the latest, until now."
    )


async def request_statement_export(
    info: Info,
    input: Annotated[RequestStatementExportInput, strawberry.argument(description="The statement.")],  # noqa: A002 - the schema's name
) -> RequestStatementExportResult | None:
    caller = info.context.caller
    account = visible(info, await info.context.loaders.by_id.load(str(input.account_id)))
    if account is None:
        return _refused(InvalidAccountProblem(account_id=str(input.account_id)))
    now = values.now()
    begin = input.from_ or account.created_at
    try:
        period = Period(begin, min(input.to or max(begin, now), max(begin, now)))
    except InvalidValue as error:
        raise BadUserInput(f"`to` is before `from`: {error}", details={"argument": "to"}) from None
    format_ = domain.ExportFormat[input.format.name]
    export = domain.open_export(caller.user_id, (str(account.id), account.currency), format_, period, now)
    if not await _request(info, export):
        return _refused(domain.TooManyExports(domain.MAX_EXPORTS))
    return RequestStatementExportSuccess(export=_present(export))


async def _request(info: Info, export: domain.StatementExport) -> bool:
    """Store the request. If the account belongs to somebody else, staff export it, and the audit log records that.

    Return False if the caller has too many exports.
    """
    services = info.context.services
    account = await info.context.loaders.by_id.load(export.account_id)
    if account is None or account.user_id == export.user_id:
        return await services.exports.request_export(export)
    async with services.audit.recording(export_operation(export.user_id, account.id, export.id)) as record:
        is_stored = await services.exports.request_export(export)
        if is_stored:
            record.done()
        else:
            record.refused(domain.TooManyExports.code)
    return is_stored


def _refused(problem: InvalidAccountProblem | domain.TooManyExports) -> RequestStatementExportResult:
    return cast("RequestStatementExportResult", graphql_problem(problem, _PROBLEMS))


async def statement_export(info: Info, id: ExportId) -> StatementExport | None:  # noqa: A002 - the schema's name
    caller, services = info.context.caller, info.context.services
    export = await services.exports.export(str(id))
    if export is None or export.user_id != caller.user_id or export.expires_at <= info.context.now:
        return None
    # A member of staff may have lost the role since the request.
    account = visible(info, await info.context.loaders.by_id.load(export.account_id))
    return None if account is None else _present(export)


async def statement_exports(info: Info) -> list[StatementExport] | None:
    user_id, store = info.context.caller.user_id, info.context.services.exports
    exports = await store.exports_of(user_id, info.context.now)
    accounts = await info.context.loaders.by_id.load_many([export.account_id for export in exports])
    return [
        _present(export)
        for export, account in zip(exports, accounts, strict=True)
        if visible(info, account) is not None
    ]


def _present(export: domain.StatementExport) -> StatementExport:
    return StatementExport(
        id=strawberry.ID(export.id),
        format=ExportFormat[export.format.name],
        status=ExportStatus[export.status.name],
        from_=export.period.begin,
        to=export.period.end,
        entries=export.entries,
        parts=export.parts,
        failure=ExportFailure[export.failure.name] if export.failure else None,
        requested_at=export.requested_at,
        expires_at=export.expires_at,
        account_id=export.account_id,
    )
