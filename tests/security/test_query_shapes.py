"""Documents and variables whose shape makes work: fragments that double, aliases, wide and deep input.

Each goes through a service's own port, with a valid token. It is refused with its code, or answered, in little time.
Before the limits, 960 bytes of doubling fragments froze a service for minutes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from subgraphs.kit.operation_checks import VALIDATION_FAILED
from tests.subgraphs.bank import open_bank
from tests.subgraphs.support import GraphQLClient
from tests.work import counted

if TYPE_CHECKING:
    from pathlib import Path

# About a fifth of a second of a core that does nothing else.
MAX_CALLS = 2_000_000


def fragments(number: int, content: str) -> str:
    """Fragments F0, F1 ... on Transaction; `{next}` in the content is the next number."""
    contents = (content.replace("{next}", str(i + 1)) for i in range(number))
    return " ".join(f"fragment F{i} on Transaction {{ {each} }}" for i, each in enumerate(contents))


def selecting(text: str) -> str:
    return f"{{ transactions {{ nodes {{ {text} }} }} }}"


def repeated(number: int, text: str) -> str:
    """An operation with `text` again and again; `#` is the number of the repetition."""
    return "{ " + " ".join(text.replace("#", str(i)) for i in range(number)) + " }"


def transactions(number: int) -> dict[str, Any]:
    return {"r": [{"__typename": "Transaction", "id": f"{i:024x}"} for i in range(number)]}


def spread(number: int) -> str:
    return " ".join(f"...F{i}" for i in range(number))


def nested(opening: str, closing: str, times: int) -> str:
    return opening * times + "1" + closing * times


LIST = "query ($f: TransactionFilter) { transactions(filter: $f) { nodes { id } } }"
ENTITIES = "query ($r: [_Any!]!) { _entities(representations: $r) { ... on Transaction { id amount } } }"
DEEP: Any = 1
for _ in range(900):
    DEEP = [DEEP]

# Name: the document, its variables, the expected code; None if it may be answered.
ATTACKS: dict[str, tuple[str, dict[str, Any], str | None]] = {
    "24 levels of fragments that double": (
        f"{selecting('...F0')} {fragments(24, '...F{next} ...F{next}')} fragment F24 on Transaction {{ id }}",
        {},
        "MAX_FIELDS_LIMIT",
    ),
    "64 levels that nobody spreads": (
        f"{{ __typename }} {fragments(64, '...F{next} ...F{next}')} fragment F64 on Transaction {{ id }}",
        {},
        VALIDATION_FAILED,
    ),
    "a cycle of two fragments": (
        f"{selecting('...F0')} fragment F0 on Transaction {{ ...F1 }} fragment F1 on Transaction {{ ...F0 }}",
        {},
        VALIDATION_FAILED,
    ),
    "a cycle over a list": (
        f"{selecting('...F')} fragment F on Transaction {{ source {selecting('...F')} }}",
        {},
        VALIDATION_FAILED,
    ),
    "a chain of 600 fragments": (
        f"{selecting('...F0')} {fragments(600, '...F{next}')} fragment F600 on Transaction {{ id }}",
        {},
        "MAX_DEPTH_LIMIT",
    ),
    "300 fragments with the same fields": (
        f"{selecting(spread(300))} {fragments(300, 'source { id accountNumber }')}",
        {},
        VALIDATION_FAILED,
    ),
    "450 fragments that are not used": (f"{{ __typename }} {fragments(450, 'id id')}", {}, VALIDATION_FAILED),
    "31 aliases": (repeated(31, "a#: transactions { totalCount }"), {}, "MAX_ALIASES_LIMIT"),
    "thousands of aliases": (repeated(5_000, "a#: __typename"), {}, "GRAPHQL_PARSE_FAILED"),
    "one field 280 times": (repeated(280, "transactions { nodes { id } }"), {}, VALIDATION_FAILED),
    "one field with 400 arguments": (repeated(400, "transaction(id: #) { id }"), {}, VALIDATION_FAILED),
    "400 undefined variables": (repeated(400, "transaction(id: $v#) { id }"), {}, VALIDATION_FAILED),
    "1,000 unused variables": (
        "query (" + " ".join(f"$v{i}: Int" for i in range(1_000)) + ") { __typename }",
        {},
        VALIDATION_FAILED,
    ),
    "1,000 unknown fields": (repeated(1_000, "transactionz#"), {}, VALIDATION_FAILED),
    "700 directives on a field": ("{ __typename " + "@skip(if: false) " * 700 + "}", {}, VALIDATION_FAILED),
    "14 nested fields": (
        "{ transactions(first: 1) " + "{ nodes { source { transactions(first: 1) " * 4 + "{ totalCount" + "}" * 14,
        {},
        "MAX_DEPTH_LIMIT",
    ),
    "lists nested 1,000 deep": (
        f"{{ transaction(id: {nested('[', ']', 1_000)}) {{ id }} }}",
        {},
        "GRAPHQL_PARSE_FAILED",
    ),
    "objects nested 150 deep": (f"{{ transaction(id: {nested('{a: ', '}', 150)}) {{ id }} }}", {}, VALIDATION_FAILED),
    "a representation nested 180 deep in the document": (
        f'{{_entities(representations: [{{__typename: "Transaction", id: {nested("[", "]", 180)}}}]) {{__typename}}}}',
        {},
        "BAD_USER_INPUT",
    ),
    "a page size of 5,000 digits": (
        f"{{ transactions(first: {'9' * 5_000}) {{ totalCount }} }}",
        {},
        VALIDATION_FAILED,
    ),
    "a default of 5,000 digits": (
        f"query ($n: Int = {'9' * 5_000}) {{ transactions(first: $n) {{ totalCount }} }}",
        {},
        VALIDATION_FAILED,
    ),
    # Each size can be written, their product cannot: it has more digits than Python converts.
    "nested page sizes of 4,300 digits in a variable": (
        "query ($n: Int) { transactions(first: $n) { nodes { source { transactions(first: $n) { totalCount } } } } }",
        {"n": int("9" * 4_300)},
        "BAD_USER_INPUT",
    ),
    "a list of 4,000 literals": (
        f"{{ transactions(filter: {{type: [{'FEE ' * 4_000}]}}) {{ totalCount }} }}",
        {},
        None,
    ),
    "a document of 1.9 MB": ("{ __typename } #" + "a" * 1_900_000, {}, "MAX_CHARACTERS_LIMIT"),
    "variables nested 900 deep": (LIST, {"f": DEEP}, "BAD_USER_INPUT"),
    "a representation nested 900 deep": (ENTITIES, {"r": [{"id": DEEP}]}, "BAD_USER_INPUT"),
    "a list of 100,000 in a variable": (LIST, {"f": {"type": ["FEE"] * 100_000}}, "BAD_USER_INPUT"),
    "100,000 variables": (LIST, {str(i): i for i in range(100_000)}, "BAD_USER_INPUT"),
    "20,000 representations": (ENTITIES, transactions(20_000), "BAD_USER_INPUT"),
    "2,001 representations": (ENTITIES, transactions(2_001), "QUERY_TOO_EXPENSIVE"),
    "2,000 representations": (ENTITIES, transactions(2_000), None),
    "1,000 representations in each of 30 batches": (
        "query ($r: [_Any!]!) { "
        + " ".join(f"_e{i}: _entities(representations: $r) {{ __typename }}" for i in range(30))
        + " }",
        transactions(1_000),
        "QUERY_TOO_EXPENSIVE",
    ),
}


@pytest.fixture
async def client(tmp_path: Path) -> Any:
    async with open_bank(tmp_path) as bank:
        client = GraphQLClient(bank.transactions, bank.ann.token)
        (await client.execute("{ transactions { nodes { id } } }")).ok()  # imports and caches of the first request
        yield client


@pytest.mark.parametrize("name", ATTACKS)
async def test_it_is_refused_or_answered_in_little_time(client: GraphQLClient, name: str) -> None:
    document, variables, code = ATTACKS[name]
    with counted(MAX_CALLS):
        response = await client.execute(document, variables)
    if code is None:
        response.ok()
    else:
        assert response.codes[0] == code, response.errors[:2]
        assert len(response.errors) <= 21


async def test_what_a_router_sends_passes(client: GraphQLClient) -> None:
    """30 batches of entities in one request, each with an alias, as after 30 aliased root fields of a client."""
    below = "{ ... on Account { transactions { nodes { id } } } }"
    parts = " ".join(f"_e{i}: _entities(representations: $r{i}) {below}" for i in range(30))
    definitions = " ".join(f"$r{i}: [_Any!]!" for i in range(30))
    account = {"__typename": "Account", "id": "0" * 24}
    response = await client.execute(f"query ({definitions}) {{ {parts} }}", {f"r{i}": [account] for i in range(30)})
    assert len(response.ok()) == 30
