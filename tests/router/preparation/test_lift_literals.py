"""Operations that differ only in literal argument values share a plan, and get the same answers as without that."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from graphql import build_schema, parse, validate
from graphql.utilities import strip_ignored_characters

from router.gateway import Gateway
from router.get_operation import get_operation
from router.preparation.lift_literals import MAX_VARIABLES, fields_with_required_arguments, lift
from router.request.request_and_response import GraphQLRequest
from router.settings import read
from tests.router.oracle.choices import SeededChoices
from tests.router.oracle.comparison import ComposedFederation
from tests.router.oracle.federation_generator import generate_federation
from tests.router.oracle.operation_generator import Operation, generate_operation
from tests.router.shop import SDL, Shop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.request.log_fields import RequestRecord
    from router.transport.interface import SubgraphResponse

BIG = Decimal("1e999")
SCHEMA = build_schema("""
type Query { node(id: ID! = "0", n: Int, f: Float, s: [String!], c: Color, any: Any, by: By, of: [Of!]): Node }
interface Node { next(id: ID, deep: [[Int]]): Node }
type One implements Node { next(id: ID, deep: [[Int]]): Node }
enum Color { RED }
scalar Any
input By @oneOf { id: ID name: String }
input Of { id: ID! with: Of any: Any colors: [Color] }
""")


def lifted(text: str, *kept: str) -> tuple[str, dict[str, object]] | None:
    document = parse(text)
    assert validate(SCHEMA, document) == []
    found = lift(get_operation(SCHEMA, document), kept)
    if found is None:
        return None
    assert validate(SCHEMA, parse(found.text)) == []
    return strip_ignored_characters(found.text), dict(found.values)


@pytest.mark.parametrize(
    ("text", "expected", "values"),
    [
        ('{node(id:"1"){__typename}}', "query($literal_0:ID!){node(id:$literal_0){__typename}}", {"literal_0": "1"}),
        ("{node(id:1){__typename}}", "query($literal_0:ID!){node(id:$literal_0){__typename}}", {"literal_0": "1"}),
        (
            "{node(n:1 f:1.10 c:RED s:null){__typename}}",
            (
                "query($literal_0:Int!$literal_1:Float!$literal_2:Color!)"
                "{node(n:$literal_0 f:$literal_1 c:$literal_2 s:null){__typename}}"
            ),
            {"literal_0": 1, "literal_1": Decimal("1.10"), "literal_2": "RED"},
        ),
        (
            '{node(s:"a"){__typename}}',
            "query($literal_0:[String!]!){node(s:$literal_0){__typename}}",
            {"literal_0": ["a"]},
        ),
        (
            'query($v:String!){node(s:["a" $v]){__typename}}',
            "query($v:String!$literal_0:String!){node(s:[$literal_0 $v]){__typename}}",
            {"literal_0": "a"},
        ),
        (
            "{node{next(deep:[[1 null][]]){__typename}}}",
            "query($literal_0:[[Int]]!){node{next(deep:$literal_0){__typename}}}",
            {"literal_0": [[1, None], []]},
        ),
        (
            '{node(by:{name:"a"}){__typename}}',
            "query($literal_0:String!){node(by:{name:$literal_0}){__typename}}",
            {"literal_0": "a"},
        ),
        (
            "{node(of:{id:1 with:{id:2 any:3} colors:RED}){__typename}}",
            (
                "query($literal_0:ID!$literal_1:ID!$literal_2:[Color]!)"
                "{node(of:{id:$literal_0 with:{id:$literal_1 any:3}colors:$literal_2}){__typename}}"
            ),
            {"literal_0": "1", "literal_1": "2", "literal_2": ["RED"]},
        ),
        (  # equal literals of one type are one variable: fields with the same response key still have equal arguments
            "{a:node(n:1){__typename}a:node(n:1){...on One{next(id:1){__typename}}}b:node(n:2){__typename}}",
            (
                "query($literal_0:Int!$literal_1:ID!$literal_2:Int!){a:node(n:$literal_0){__typename}a:node(n:$literal_0)"
                "{...on One{next(id:$literal_1){__typename}}}b:node(n:$literal_2){__typename}}"
            ),
            {"literal_0": 1, "literal_1": "1", "literal_2": 2},
        ),
        (
            "{node{...F b:next(id:1){...F}}}fragment F on Node{next(id:1){__typename}}",
            (
                "query($literal_0:ID!){node{...F b:next(id:$literal_0){...F}}}"
                "fragment F on Node{next(id:$literal_0){__typename}}"
            ),
            {"literal_0": "1"},
        ),
        (
            "query($literal_0:Int){node(n:$literal_0 id:1){__typename}}",
            "query($literal_0:Int$literal__0:ID!){node(n:$literal_0 id:$literal__0){__typename}}",
            {"literal__0": "1"},
        ),
        (
            "{node(id:1)@include(if:true){__typename}}",
            "query($literal_0:ID!){node(id:$literal_0)@include(if:true){__typename}}",
            {"literal_0": "1"},
        ),
    ],
)
def test_literals_become_variables(text: str, expected: str, values: dict[str, object]) -> None:
    assert lifted(text) == (strip_ignored_characters(expected), values)


@pytest.mark.parametrize(
    "text",
    [
        "{node{__typename}}",
        "query($n:Int=3){node(n:$n){__typename}}",
        "{node(n:null){__typename}}",
        "{node(any:{a:[1 A]}){__typename}}",
        "{node@skip(if:false){__typename}}",
        '{__type(name:"One"){name}}',
        "{" + " ".join(f"n{n}:node(n:{n}){{__typename}}" for n in range(MAX_VARIABLES + 1)) + "}",
    ],
)
def test_what_stays_in_the_document(text: str) -> None:
    assert lifted(text) is None


def test_fields_of_requires_keep_their_arguments() -> None:
    sdl = r'f: Int @join__field(graph: A, requires: "price(currency: \"EUR\") { amount } weight")'
    assert fields_with_required_arguments(sdl) == {"price"}
    assert lifted("{node(n:1){next(id:2){__typename}}}", "next") == (
        "query($literal_0:Int!){node(n:$literal_0){next(id:2){__typename}}}",
        {"literal_0": 1},
    )


async def ask(gateway: Gateway, query: str, **variables: object) -> tuple[dict[str, Any], RequestRecord]:
    response = await gateway.execute(GraphQLRequest(query=query, variables=variables))
    return dict(response.body), response.record


async def test_documents_with_other_values_share_the_plan_and_the_compiled_plan() -> None:
    shop = Shop()
    gateway = Gateway.from_supergraph(SDL, read("", {}), send=shop)
    for number in range(20):
        body, record = await ask(gateway, f'{{ order(id: "{number}") {{ id }} greet(name: "n{number}") }}')
        assert body == {"data": {"order": {"id": str(number)}, "greet": f"Hello n{number}"}}
        assert (record.document_cached, record.plan_cached) == (False, number > 0)
        await asyncio.to_thread(wait_for_compilation)
    assert (len(gateway.preparation.plans), len(gateway.preparation.documents)) == (1, 20)
    assert gateway.compiled_plans.counts.compiled > 10
    assert len({request.operation for request in shop.requests}) == 2  # each subgraph can cache its operation


def wait_for_compilation() -> None:
    from router.preparation.preparing_thread import PREPARING_THREAD  # noqa: PLC0415 - only this function needs it

    PREPARING_THREAD.submit(lambda: None).result()


async def test_without_the_setting_each_value_has_its_plan() -> None:
    shop = Shop()
    gateway = Gateway.from_supergraph(SDL, read("planner: {lift_literals: false}", {}), send=shop)
    for number in range(3):
        await ask(gateway, f'{{ order(id: "{number}") {{ id }} }}')
    assert len(gateway.preparation.plans) == 3
    assert [dict(request.variables) for request in shop.requests] == [{}, {}, {}]


async def test_a_client_cannot_set_the_values_of_its_document() -> None:
    gateway = Gateway.from_supergraph(SDL, read("", {}), send=Shop())
    body, _ = await ask(gateway, '{ greet(name: "Ada") }', literal_0="Eve")
    assert body == {"data": {"greet": "Hello Ada"}}


async def test_errors_are_those_of_the_document_that_the_client_sent() -> None:
    gateways = [
        Gateway.from_supergraph(SDL, read(f"planner: {{lift_literals: {setting}}}", {}), send=Shop())
        for setting in ("true", "false")
    ]
    for query, variables in (
        ("{ order(id: 1.5) { id } }", {}),
        ("query($n: String!) { order(id: 1) { id } greet(name: $n) }", {"n": 3}),
        ("query($n: String!) { order(id: 1) { id } greet(name: $n) }", {}),
        ("{ me { orders { id } } order(id: {a: 1}) { id } }", {}),
    ):
        first, second = [(await ask(gateway, query, **variables))[0] for gateway in gateways]
        assert first == second
        assert first["errors"]


async def test_a_subgraph_gets_the_values_of_a_mutation_as_variables() -> None:
    seen: list[Any] = []

    def answer(request: Any) -> SubgraphResponse | None:
        seen.append(dict(request.variables))
        return None

    shop = Shop(before={"people": answer})
    await ask(Gateway.from_supergraph(SDL, read("", {}), send=shop), 'mutation { rename(name: "Ada") { id } }')
    assert seen == [{"literal_0": "Ada"}]


def generated(seeds: range) -> Iterator[tuple[ComposedFederation, Operation]]:
    for seed in seeds:
        choices = SeededChoices(seed)
        federation = ComposedFederation.of(generate_federation(choices))
        for _ in range(5):
            operation = generate_operation(choices, federation.merged)
            if operation is not None:
                yield federation, operation


@pytest.mark.timeout(0)
def test_answers_are_those_without_lifting_for_generated_operations() -> None:
    """The router's answer to the lifted operation is that of the monolith to the operation with literals."""
    changed = 0
    for federation, operation in generated(range(40_000, 40_040)):
        schema = federation.supergraph.api_schema
        found = lift(
            get_operation(schema, parse(operation.query)), fields_with_required_arguments(federation.supergraph.sdl)
        )
        if found is None:
            continue
        changed += 1
        other = Operation(found.text, {**operation.variables, **found.values})
        expected, got = federation.expected(operation), federation.expected(other)
        assert (got.data, len(got.errors or ())) == (expected.data, len(expected.errors or ())), operation
        asyncio.run(federation.check(other))
    assert changed >= 20
