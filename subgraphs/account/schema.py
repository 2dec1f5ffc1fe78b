"""The GraphQL schema of the account service: queries over the domain and the store."""

from __future__ import annotations

from functools import cache
from typing import Annotated

import strawberry
from strawberry import UNSET

from bank.scopes import READ
from subgraphs.account.domain import reads_all
from subgraphs.account.exports.export import MAX_EXPORTS
from subgraphs.account.exports.graphql_exports import StatementExport, statement_export, statement_exports
from subgraphs.account.graphql_statement import Info  # noqa: TC001 - strawberry reads annotations at run time
from subgraphs.account.graphql_subscriptions import Subscription
from subgraphs.account.graphql_types import (
    Account,
    Filter,
    User,
    load_owned,
    present,
    sort_key,
    store_filter,
    visible,
)
from subgraphs.account.mutations import Mutation
from subgraphs.kit import descriptions
from subgraphs.kit.connections import PAGED, After, Before, Connection, First, Last, short_list
from subgraphs.kit.delegated_scopes import needs_scope
from subgraphs.kit.schema import SubgraphSchema, create_schema


async def _account(
    info: Info,
    id: Annotated[strawberry.ID, strawberry.argument(description="The id of the account, 24 hexadecimal digits.")],  # noqa: A002 - the schema's name
) -> Account | None:
    _ = info.context.caller
    return visible(info, await info.context.loaders.by_id.load(id))


async def _accounts(  # noqa: PLR0913, PLR0917 - the arguments of a Relay connection
    info: Info,
    filter: Filter = UNSET,  # noqa: A002 - the schema's name
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
) -> Connection[Account] | None:
    caller, services = info.context.caller, info.context.services
    wanted, page = store_filter(filter), services.cursors.request(first, after, last, before)
    if not reads_all(caller):
        return await load_owned(info, caller.user_id, wanted, page)

    async def count() -> int:
        return await services.reads.count(wanted)

    return services.cursors.page(
        page, await services.reads.page(wanted, page), sort_key, lambda row: present(row, caller), count
    )


@strawberry.type(description=descriptions.QUERY)
class Query:
    account: Account | None = strawberry.field(
        resolver=_account,
        metadata=needs_scope(READ),
        description="The account with this id; null if it does not exist or the caller may not see it.",
    )
    accounts: Connection[Account] | None = strawberry.field(
        resolver=_accounts,
        metadata=needs_scope(READ),
        directives=[PAGED],
        description="The caller's accounts, or all accounts for staff, in order of opening.",
    )
    statement_export: StatementExport | None = strawberry.field(
        resolver=statement_export,
        metadata=needs_scope(READ),
        description="The export with this id; null if it does not exist, has expired, or is not the caller's.",
    )
    statement_exports: list[StatementExport] | None = strawberry.field(
        resolver=statement_exports,
        metadata=needs_scope(READ),
        directives=[short_list(MAX_EXPORTS)],
        description="The caller's exports that have not expired, the newest first.",
    )


@cache
def build_schema() -> SubgraphSchema:
    """Return the schema of the subgraph. It does not change, so all applications of the process have the same."""
    return create_schema(query=Query, mutation=Mutation, subscription=Subscription, types=[User], entities_scope=READ)


def sdl() -> str:
    """Return the subgraph's SDL, which `router compose` reads."""
    return build_schema().as_str()
