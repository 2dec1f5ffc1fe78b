"""Attacks on a hidden schema: with introspection off, no message names what the client did not send.

Each name of the schema contains `zq`. The attacker knows some names and tries wrong ones beside them: in every position
of a document, in literals, in variables. A message may contain `zq` only in a name that the request contains.

Fails on the code of before: messages named the types of fields, required arguments and fields of inputs.
"""

from __future__ import annotations

import re
from typing import Any, Final

import pytest

from router.composition import Subgraph, compose
from router.gateway import Gateway
from router.request.request_and_response import GraphQLRequest
from router.settings import read
from router.transport.interface import SubgraphRequest, SubgraphResponse

SDL: Final = """
extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key", "@inaccessible"])
directive @zqNote(zqText: String!) on FIELD
enum ZqColour { ZQ_RED ZQ_BLUE }
scalar ZqMoney
input ZqPoint { zqLeft: Int zqRight: Int }
input ZqInner { zqDeep: [ZqColour!]! zqMoney: ZqMoney zqPoint: ZqPoint }
input ZqOrder { zqAmount: Int! zqColour: ZqColour! zqInner: ZqInner zqTags: [String!] }
interface ZqNode { zqId: ID! }
type ZqUser implements ZqNode @key(fields: "zqId") { zqId: ID! zqName(zqFormat: ZqColour!): String zqOther: ZqUser! }
type ZqBank implements ZqNode { zqId: ID! zqName: Int zqSecret: String @inaccessible }
union ZqEither = ZqUser | ZqBank
type Query {
  zqUser(zqKey: ID!, zqOrder: ZqOrder): ZqUser
  zqNode: ZqNode
  zqEither: ZqEither
  zqList(zqFirst: Int = 3): [ZqUser!]!
}
type Mutation { zqCreate(zqInput: ZqOrder!): ZqUser }
"""

LITERALS: Final = ("1", '"x"', "true", "null", "RED", "[1]", "{}", "{x: 1}", "1.5", "{zqAmount: 1}", "[[]]", "ZQ_RED")
DOCUMENTS: Final = [
    "{ x }",
    "{ zqUsr }",
    "{ zqUser }",
    "{ zqUser { x } }",
    "{ zqUser(x: 1) { zqId } }",
    '{ zqUser(zqKey: "1") { zqName } }',
    '{ zqUser(zqKey: "1") { zqId { x } } }',
    '{ zqUser(zqKey: "1") { zqOther } }',
    '{ zqUser(zqKey: "1") { zqId @x } }',
    '{ zqUser(zqKey: "1") { zqId @zqNote } }',
    '{ zqUser(zqKey: "1") { zqId @skip } }',
    '{ zqUser(zqKey: "1") { zqId @include(x: true) } }',
    "{ zqEither { zqName } }",
    "{ zqEither { zqId } }",
    "{ zqNode { zqName } }",
    "{ zqNode { ... on ZqBank { zqSecret } } }",
    "{ zqEither { ... on Query { zqNode { zqId } } } }",
    "{ zqEither { ... on ZqUser { zqName(zqFormat: ZQ_RED) } ... on ZqBank { zqName } } }",
    "{ zqEither { ... on ZqColour { x } } }",
    "{ zqNode { ... on Zq { zqId } } }",
    "{ ...f } fragment f on ZqUsr { zqId }",
    "{ ...f } fragment f on ZqUser { zqId }",
    "query($x: ZqOrdr) { zqNode { zqId } }",
    'query($x: ZqUser) { zqUser(zqKey: "1") { zqId } }',
    "query($x: Int) { zqUser(zqKey: $x) { zqId } }",
    'query($x: Int) { zqUser(zqKey: "1", zqOrder: $x) { zqId } }',
    'query($x: [String]) { zqUser(zqKey: "1", zqOrder: {zqTags: $x}) { zqId } }',
    'query($x: ZqColour) { zqUser(zqKey: "1") { zqName(zqFormat: $x) } }',
    'query($x: Int = "x") { zqList(zqFirst: $x) { zqId } }',
    "query($x: ZqOrder = {}) { zqNode { zqId } }",
    "query($x: ZqColour = GREEN) { zqNode { zqId } }",
    "mutation { zqCreate { zqId } }",
    "mutation { zqCreat(zqInput: {}) { zqId } }",
    "subscription { x }",
    "{ __schema { types { name } } }",
    '{ __type(name: "ZqUser") { fields { name } } }',
    "{ zqUser(",
    *(f'{{ zqUser(zqKey: "1", zqOrder: {literal}) {{ zqId }} }}' for literal in LITERALS),
    *(f"{{ zqUser(zqKey: {literal}) {{ zqId }} }}" for literal in LITERALS),
    *(f"mutation {{ zqCreate(zqInput: {literal}) {{ zqId }} }}" for literal in LITERALS),
    *(f"mutation {{ zqCreate(zqInput: {{zqColour: {literal}}}) {{ zqId }} }}" for literal in LITERALS),
    *(f"mutation {{ zqCreate(zqInput: {{zqInner: {literal}}}) {{ zqId }} }}" for literal in LITERALS),
    *(f"mutation {{ zqCreate(zqInput: {{zqInner: {{zqPoint: {literal}}}}}) {{ zqId }} }}" for literal in LITERALS),
    *(f"mutation {{ zqCreate(zqInput: {{zqInner: {{zqDeep: {literal}}}}}) {{ zqId }} }}" for literal in LITERALS),
    *(f"{{ zqList(zqFirst: {literal}) {{ zqId }} }}" for literal in LITERALS),
]
VALUES: Final = [None, 1, "x", True, [], [1], {}, {"x": 1}, {"zqAmount": 1}, {"zqAmount": 1, "zqColour": "GREEN"}]
VALUES_OF_AN_ORDER: Final = [
    *VALUES,
    *({"zqAmount": 1, "zqColour": "ZQ_RED", "zqInner": value} for value in VALUES),
    *({"zqAmount": 1, "zqColour": "ZQ_RED", "zqInner": {"zqDeep": value}} for value in VALUES),
    *({"zqAmount": 1, "zqColour": "ZQ_RED", "zqInner": {"zqDeep": [], "zqPoint": value}} for value in VALUES),
    {"zqAmount": 1, "zqColour": "ZQ_RED", "zqInner": {"zqDeep": [], "zqPoint": {"zqLeft": 1, "zqRight": 2}}},
]


async def nothing(request: SubgraphRequest) -> SubgraphResponse:
    """A subgraph that breaks its own schema, so that the router finds errors in the response."""
    del request
    return SubgraphResponse.of({"data": {"zqUser": {"zqId": None}, "zqCreate": 1, "zqList": None, "zqNode": 5}})


@pytest.fixture(scope="module")
def sdl() -> str:
    composed = compose([Subgraph("zq-subgraph", "http://zq-subgraph/graphql", SDL)])
    assert composed.supergraph_sdl is not None, composed.errors
    return composed.supergraph_sdl


async def messages(sdl: str, request: GraphQLRequest, settings: str = "") -> list[str]:
    body: Any = (await Gateway.from_supergraph(sdl, read(settings, {}), send=nothing).execute(request)).body
    return [error["message"] for error in body.get("errors", ())]


def unsent(message: str, sent: str) -> list[str]:
    """The names of the schema in `message` that are not in `sent`."""
    known = set(re.findall(r"\w*zq\w*", sent, re.IGNORECASE))
    return [name for name in re.findall(r"\w*zq\w*", message, re.IGNORECASE) if name not in known]


@pytest.mark.parametrize("document", DOCUMENTS)
async def test_no_message_about_a_document_names_what_was_not_sent(sdl: str, document: str) -> None:
    for message in await messages(sdl, GraphQLRequest(query=document)):
        assert unsent(message, document) == []
        assert "Did you mean" not in message or "{ ... }" in message


@pytest.mark.parametrize("value", VALUES_OF_AN_ORDER, ids=repr)
@pytest.mark.parametrize("type_", ["ZqOrder", "ZqOrder!", "[ZqOrder!]!"])
async def test_no_message_about_a_variable_names_what_was_not_sent(sdl: str, type_: str, value: object) -> None:
    document = f"mutation($zqGiven: {type_}) {{ zqCreate(zqInput: $zqGiven) {{ zqId }} }}"
    for message in await messages(sdl, GraphQLRequest(query=document, variables={"zqGiven": value})):
        assert unsent(message, document + repr(value)) == []


async def test_names_that_the_client_sent_are_shown(sdl: str) -> None:
    assert await messages(sdl, GraphQLRequest(query="{ zqUser(x: 1) { zqId } }")) == [
        "Unknown argument 'x' on field 'zqUser'.",
        "Argument (not shown) of type 'ID!' is required, but it was not provided.",
    ]


async def test_with_introspection_messages_are_complete(sdl: str) -> None:
    found = await messages(sdl, GraphQLRequest(query="{ x }"), "introspection: true")
    assert found == ["Cannot query field 'x' on type 'Query'."]


async def test_a_large_document_with_mistakes_is_answered_soon(sdl: str) -> None:
    document = "{ " + "x " * 4_000 + "}"
    for message in await messages(sdl, GraphQLRequest(query=document), "limits: {fields: null}"):
        assert unsent(message, document) == []
