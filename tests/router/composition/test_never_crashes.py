"""Whatever the texts are, `compose` returns a result: it does not raise or hang, and reports exceeded limits."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from router.composition import Composition, Subgraph, compose
from router.composition.reading.schema_limits import MAX_CHARACTERS, MAX_NESTING, MAX_TOKENS
from tests.router.composition.generation.subgraph_sets import subgraph_set
from tests.router.oracle.choices import SeededChoices, hypothesis_choices
from tests.work import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tests.router.oracle.choices import HypothesisChoices

# Ten times as many as the largest of these schemas takes.
MAX_CALLS = 8_000_000
SEED = 20_000

# What breaks readers: brackets, quotes, the words of the grammar, names of federation, and letters of elsewhere.
SCRAPS = (
    *"{}()[]!@&|=:$\"'#,.\\\n\t\0\ufeff\u2028é😀",
    '"""',
    "...",
    "type ",
    "extend ",
    "interface ",
    "union ",
    "enum ",
    "input ",
    "scalar ",
    "schema ",
    "directive ",
    " on ",
    " implements ",
    " repeatable ",
    "Query",
    "__typename",
    "_service",
    "_entities",
    "federation__key",
    '@key(fields: "id")',
    '@key(fields: "{{{{")',
    "@key(fields: [id])",
    "@key",
    "@shareable",
    "@interfaceObject",
    "@override(from: 1)",
    '@override(from: "")',
    "@tag(name: null)",
    "@requiresScopes(scopes: [[[]]])",
    "@requiresScopes(scopes: null)",
    "@policy(policies: {})",
    "@cost(weight: 1e309)",
    "@cost(weight: 99999999999999999999)",
    "@listSize(slicingArguments: null, sizedFields: [[null]])",
    "@composeDirective(name: null)",
    '@link(url: "https://specs.apollo.dev/federation/v2.99999999999999999999")',
    '@link(url: "https://[::1", import: [null, {}, {name: 1}])',
    "@link(url: null)",
    "= {a: {a: {a: 1}}}",
    "= null",
    "-0",
    "1e400",
)


def composed(subgraphs: Sequence[Subgraph]) -> Composition:
    with counted(MAX_CALLS):
        composition = compose(subgraphs)
    assert (composition.supergraph_sdl is None) == bool(composition.errors)
    return composition


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.text(max_size=12), st.text(max_size=300)), max_size=3))
def test_any_texts_are_composed(texts: list[tuple[str, str]]) -> None:
    composed([Subgraph(name, "", sdl) for name, sdl in texts])


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(hypothesis_choices())
def test_generated_sets_are_composed(choices: HypothesisChoices) -> None:
    composed(subgraph_set(choices))


@pytest.mark.parametrize("shard", range(4))
def test_spoiled_schemas_are_composed(shard: int, request: pytest.FixtureRequest) -> None:
    count = int(request.config.getoption("--composition-inputs")) // 4
    for seed in range(SEED + shard * count, SEED + (shard + 1) * count):
        spoiled = [Subgraph(one.name, one.url, _spoiled(seed, one.sdl)) for one in subgraph_set(SeededChoices(seed))]
        try:
            composed(spoiled)
        except Exception as error:
            error.add_note(f"seed {seed}:\n" + "\n".join(f"# {one.name}\n{one.sdl}" for one in spoiled))
            raise


def _spoiled(seed: int, sdl: str) -> str:
    """The text with a few places overwritten, doubled or cut."""
    choices = random.Random(f"{seed}{sdl}")
    for _ in range(choices.randint(0, 3)):
        start = choices.randrange(len(sdl) + 1)
        end = min(len(sdl), start + choices.choice((0, 0, 1, 3, 20)))
        scrap = choices.choice((*SCRAPS, sdl[start : start + 40]))
        sdl = sdl[:start] + scrap + sdl[end:]
    return sdl


NESTED: Mapping[str, Callable[[int], str]] = {
    "lists": lambda depth: f"type Query {{ a: {'[' * depth}Int{']' * depth} }}",
    "defaults": lambda depth: f"type Query {{ a(b: Int = {'[' * depth}1{']' * depth}): Int }}",
    "objects": lambda depth: f"type Query {{ a(b: Int = {'{a: ' * depth}1{'}' * depth}): Int }}",
    "directive arguments": lambda depth: f"type Query @a(b: {'[' * depth}{']' * depth}) {{ a: Int }}",
    "brackets": lambda depth: "{" * depth,
    "field sets": lambda depth: f'type Query @key(fields: "{"a {" * depth}{"}" * depth}") {{ a: Query }}',
}
CHAINS = {
    "implementations": "interface I{} implements I{} {{ a: Int }}\n",
    "inputs": "input I{} {{ a: I{}! }}\n",
    "fields": "type T{} {{ a: T{}! }}\n",
}


@pytest.mark.parametrize(
    ("name", "url", "code"), [("\ud800", "", "INVALID_SUBGRAPH_NAME"), ("one", "http://\udfff", "INVALID_GRAPHQL")]
)
def test_a_name_or_url_that_no_supergraph_can_contain_is_an_error(name: str, url: str, code: str) -> None:
    (error,) = composed([Subgraph(name, url, "type Query { a: Int }")]).errors
    assert error.code == code
    assert error.message.encode()


@pytest.mark.parametrize("depth", [MAX_NESTING + 5, 5_000, 200_000])
@pytest.mark.parametrize("what", NESTED)
def test_deep_nesting_is_an_error(what: str, depth: int) -> None:
    (error,) = composed([Subgraph("deep", "", NESTED[what](depth))]).errors
    assert "deep" in error.message


@pytest.mark.parametrize("what", NESTED)
def test_nesting_within_the_limit_is_composed(what: str) -> None:
    composed([Subgraph("deep", "", NESTED[what](MAX_NESTING - 5))])


@pytest.mark.parametrize("what", CHAINS)
def test_long_chains_of_types_are_composed(what: str) -> None:
    links = "".join(CHAINS[what].format(number, number + 1) for number in range(1000))
    composed([Subgraph("chain", "", links)])
    composed([Subgraph("chain", "", links + "type Query { a: T0 } type T1000 { b: Int }")])


def test_ten_megabytes_are_an_error() -> None:
    types = "".join(f"type T{n} {{ a: Int b: Int c: Int }}\n" for n in range(320_000))
    assert len(types) > 10_000_000 > MAX_CHARACTERS
    (error,) = composed([Subgraph("large", "", types)]).errors
    assert error.code == "INVALID_GRAPHQL"
    assert str(MAX_CHARACTERS) in error.message


def test_dense_text_is_limited_by_its_tokens() -> None:
    (error,) = composed([Subgraph("dense", "", "enum E {" + "a " * MAX_TOKENS + "}")]).errors
    assert error.code == "INVALID_GRAPHQL"
    assert f"{MAX_TOKENS} tokens" in error.message


def test_the_time_for_many_errors_grows_with_their_number_only() -> None:
    """Line and column of an error are looked up, not counted from the start of the text."""
    assert compose([Subgraph("dense", "", "type Query { a(" + "a:a " * 50_000 + "): Int }")]).errors


def test_a_default_value_of_an_output_type_is_an_error() -> None:
    (error,) = compose([Subgraph("one", "", "type Query { a(b: [Query] = [{}]): Int }")]).errors
    assert error.code == "INVALID_GRAPHQL"
