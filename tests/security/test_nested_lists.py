"""Lists within lists: every cycle of list fields of every service, nested as deeply as is allowed, costs little.

The cycles are computed from the schemas, so a new field is attacked without a new test. Each query goes through the
service's own port, with pages of several sizes. It is refused before it is executed, or it resolves at most as many
objects as the limit says, in little time. Before the limits, one such query took all memory of the transaction service.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from graphql import get_named_type, get_nullable_type, is_composite_type, is_list_type, is_object_type

from subgraphs.account.schema import build_schema as account_schema
from subgraphs.auth.schema import build_schema as auth_schema
from subgraphs.kit.operation_checks import read_operation
from subgraphs.kit.operation_cost import estimate
from subgraphs.kit.operation_size import fragments_of
from subgraphs.kit.request_limits import RequestLimits
from subgraphs.transaction.schema import build_schema as transaction_schema
from tests.subgraphs.bank import Bank, open_bank
from tests.subgraphs.support import GraphQLClient
from tests.work import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema

    from subgraphs.kit.schema import SubgraphSchema

LIMITS = RequestLimits()
# About a fifth of a second of a core that does nothing else.
MAX_CALLS = 1_000_000
PAGES = ("", "(first: 1)", "(first: 2)", "(first: 5)", "(first: 100)", "(last: 100)")

SCHEMAS: dict[str, SubgraphSchema] = {
    "auth": auth_schema(),
    "account": account_schema(),
    "transaction": transaction_schema(),
}


@dataclass(frozen=True, slots=True)
class Step:
    """A field that leads to an object; `paged` if it takes the size of a page."""

    name: str
    target: GraphQLObjectType
    is_list: bool
    paged: bool


@dataclass(frozen=True, slots=True)
class Cycle:
    """Fields that lead from a type back to it, over a list, and the fields that lead there.

    Attributes:
        entity: the type whose representation the query begins with; None for the query type.
    """

    entity: str | None
    before: tuple[Step, ...]
    repeated: tuple[Step, ...]

    def __str__(self) -> str:
        return " > ".join(step.name for step in self.repeated)

    def query(self, page: str, depth: int = LIMITS.depth) -> str:
        """The cycle, as often as fields may be nested."""
        steps = list(self.before)
        while len(steps) + len(self.repeated) + (self.entity is not None) < depth:
            steps += self.repeated
        fields = "".join(f"{step.name}{page if step.paged else ''}{{" for step in steps)
        text = fields + leaf_of(steps[-1].target) + "}" * len(steps)
        if self.entity is None:
            return f"{{{text}}}"
        return f"query($r:[_Any!]!){{_entities(representations:$r){{...on {self.entity}{{{text}}}}}}}"


def leaf_of(type_: GraphQLObjectType) -> str:
    return next(str(name) for name, field in type_.fields.items() if not is_composite_type(get_named_type(field.type)))


def steps_from(type_: GraphQLObjectType) -> Iterator[Step]:
    for name, field in type_.fields.items():
        target = get_named_type(field.type)
        if is_object_type(target) and not target.name.startswith("_") and not needs_arguments(field):
            yield Step(name, target, is_list_type(get_nullable_type(field.type)), "first" in field.args)


def needs_arguments(field: GraphQLField) -> bool:
    return any(str(argument.type).endswith("!") for argument in field.args.values())


def cycles_of(schema: GraphQLSchema) -> list[Cycle]:
    """Every cycle over a list, from the query type and from each entity."""
    found: list[Cycle] = []

    def visit(entity: str | None, root: GraphQLObjectType, trail: tuple[Step, ...]) -> None:
        reached = [root, *(step.target for step in trail)]
        for step in steps_from(reached[-1]):
            if step.target not in reached:
                visit(entity, root, (*trail, step))
                continue
            start = reached.index(step.target)
            repeated = (*trail[start:], step)
            if any(each.is_list for each in repeated):
                found.append(Cycle(entity, trail[:start], repeated))

    assert schema.query_type is not None
    visit(None, schema.query_type, ())
    for type_ in getattr(schema.get_type("_Entity"), "types", ()):
        visit(type_.name, type_, ())
    return found


def objects_in(value: Any) -> int:
    """How many objects a response has."""
    if isinstance(value, dict):
        return 1 + sum(objects_in(each) for each in value.values())
    return sum(objects_in(each) for each in value) if isinstance(value, list) else 0


def estimated(service: str, query: str, variables: dict[str, Any]) -> int:
    operation = read_operation(query, None)
    return estimate(SCHEMAS[service].graphql, operation.node, fragments_of(operation.document), variables)


async def rich_customer(bank: Bank) -> Mapping[str, object]:
    """Give Ann accounts and 110 transfers between two of them; returns a representation of each entity."""
    one, other = await bank.open(bank.ann, "1000.00"), await bank.open(bank.ann)
    order = {"sourceAccountId": one["id"], "destinationAccountId": other["id"], "amount": "1.00"}
    placed = [await bank.order(bank.ann, "transfer", **order) for _ in range(110)][-1]
    ids = {"User": bank.ann.id, "Account": one["id"], "Transaction": placed["transaction"]["id"]}
    return {name: {"__typename": name, "id": id_} for name, id_ in ids.items()}


def test_the_cycles_that_were_attacked_are_among_those_computed() -> None:
    found = {name: {str(cycle) for cycle in cycles_of(schema.graphql)} for name, schema in SCHEMAS.items()}
    assert {"owner > accounts > nodes", "accounts > edges > node > owner"} <= found["account"]
    assert {"transactions > nodes > source", "transactions > edges > node > destination"} <= found["transaction"]
    assert found["auth"] == set()


@pytest.mark.parametrize("service", ["account", "transaction"])
async def test_every_cycle_at_every_page_size_is_refused_or_bounded(tmp_path: Path, service: str) -> None:
    async with open_bank(tmp_path) as bank:
        representations = await rich_customer(bank)
        http = bank.accounts if service == "account" else bank.transactions
        client = GraphQLClient(http, bank.ann.token)
        cycles = cycles_of(SCHEMAS[service].graphql)
        refused = 0
        for cycle in cycles:
            for page in PAGES:
                variables = {"r": [representations[cycle.entity]]} if cycle.entity else {}
                with counted(MAX_CALLS):
                    response = await client.execute(cycle.query(page), variables)
                if response.data is None:
                    assert response.codes == ["QUERY_TOO_EXPENSIVE"], (str(cycle), page, response.errors)
                    refused += 1
                # The response itself is an object too.
                resolved = objects_in(response.data) - 1
                assert resolved <= min(estimated(service, cycle.query(page), variables), LIMITS.objects), (
                    str(cycle),
                    page,
                )
        assert 0 < refused < len(cycles) * len(PAGES)


async def test_the_query_that_took_all_memory_is_refused_with_its_estimate(tmp_path: Path) -> None:
    block = "transactions(first:100){nodes{source{"
    async with open_bank(tmp_path) as bank:
        account = await bank.open(bank.ann)
        text = f"query($r:[_Any!]!){{_entities(representations:$r){{...on Account{{{block * 3}id{'}' * 9}}}}}}}"
        client = GraphQLClient(bank.transactions, bank.ann.token)
        response = await client.execute(text, {"r": [{"__typename": "Account", "id": account["id"]}]})
        assert response.codes == ["QUERY_TOO_EXPENSIVE"]
        extensions = response.errors[0]["extensions"]
        assert (extensions["estimate"], extensions["limit"]) == (2 + 100 * (3 + 100 * (3 + 200)), 2_000)

        response = await GraphQLClient(bank.accounts, bank.ann.token).execute(
            "{accounts{nodes{owner{accounts{nodes{owner{accounts{nodes{id}}}}}}}}}"
        )
        assert response.codes == ["QUERY_TOO_EXPENSIVE"]


async def test_lists_of_a_hundred_that_do_not_nest_are_answered(tmp_path: Path) -> None:
    """What a router sends after `accounts(first: 100)`: a representation of each, with fields of other services."""
    async with open_bank(tmp_path) as bank:
        account = await bank.open(bank.ann)
        representation = {"__typename": "Account", "id": account["id"], "currency": "USD", "minorUnits": 2}
        client = GraphQLClient(bank.transactions, bank.ann.token)
        response = await client.entities(
            "... on Account { turnover { credited } transactions(first: 5) { totalCount nodes { id } } }",
            [representation] * 100,
        )
        assert len(response.ok()["_entities"]) == 100
        refused = await client.entities(
            "... on Account { transactions(first: 100) { nodes { id } } }", [representation] * 100
        )
        assert refused.codes == ["QUERY_TOO_EXPENSIVE"]
