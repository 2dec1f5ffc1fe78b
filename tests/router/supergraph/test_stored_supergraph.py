"""A supergraph that is restored from stored data equals the supergraph that is loaded from its SDL.

Covers `router/supergraph/stored_supergraph.py`, `router/supergraph/stored_types.py`,
`router/supergraph/types_on_demand.py`, `router/supergraph/subgraphs_on_demand.py`,
`router/supergraph/schema_facts.py` and `router/supergraph/fields_without_join_directives.py`.
"""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from threading import Barrier
from typing import TYPE_CHECKING

import msgspec
import pytest
from graphql import (
    GraphQLSchema,
    introspection_from_schema,
    is_interface_type,
    is_object_type,
    parse,
    print_schema,
    validate,
)

from benchmarks.composition.federations import federation
from router.composition import compose
from router.errors import InvalidSupergraph, RequestError
from router.federation.sdl.parse_sdl import parse_sdl
from router.planner import plan
from router.supergraph import load
from router.supergraph.loading import load_document, parse_supergraph
from router.supergraph.stored_supergraph import describe, restore
from router.supergraph.stored_types import StoredSupergraph
from tests.router.planner.printed_plans import operations
from tests.router.shop import SDL
from tests.router.supergraph.test_loading import SUPERGRAPH
from tests.router.supergraph.test_versions import SUPERGRAPHS

if TYPE_CHECKING:
    from graphql import DocumentNode

    from router.supergraph import Supergraph

ROOT = Path(__file__).parents[3]
TEXTS = {
    "shop": SDL,
    "every join directive": SUPERGRAPH,
    "bank": (ROOT / "supergraph.graphql").read_text(),
    **{f"join {version}": sdl for version, sdl in SUPERGRAPHS.items() if version != "v0.1"},
    **{path.parent.name: path.read_text() for path in sorted((ROOT / "tests/cases").rglob("supergraph.graphql"))},
}


def stored(sdl: str) -> StoredSupergraph | None:
    """The stored data of a supergraph, after it was encoded and decoded."""
    parsed = parse_supergraph(sdl)
    found = describe(load_document(sdl, parsed.document), parsed)
    if found is None:
        return None
    return msgspec.msgpack.decode(msgspec.msgpack.encode(found), type=StoredSupergraph)


def restored(sdl: str) -> Supergraph:
    found = stored(sdl)
    assert found is not None
    return restore(sdl, found)


@cache
def loadable() -> list[str]:
    """The names of the texts that can be loaded and stored. A few need a specification that is unknown."""
    found = []
    for name, sdl in TEXTS.items():
        try:
            if stored(sdl) is not None:
                found.append(name)
        except InvalidSupergraph:
            pass
    return found


def assert_equal(schema: GraphQLSchema, other: GraphQLSchema) -> None:
    assert vars(schema).keys() == vars(other).keys()
    assert list(schema.type_map) == list(other.type_map)
    assert [each.name for each in schema.directives] == [each.name for each in other.directives]
    assert print_schema(schema) == print_schema(other)
    assert introspection_from_schema(schema) == introspection_from_schema(other)
    for name, type_ in schema.type_map.items():
        twin = other.type_map[name]
        assert type(twin) is type(type_)
        assert twin.ast_node == type_.ast_node
        assert vars(twin).keys() == vars(type_).keys()
        if is_interface_type(type_):
            expected, found = schema.get_implementations(type_), other.get_implementations(twin)  # type: ignore[arg-type]
            assert [each.name for each in found.objects] == [each.name for each in expected.objects]
            assert [each.name for each in found.interfaces] == [each.name for each in expected.interfaces]


def test_nearly_all_supergraphs_can_be_stored() -> None:
    assert len(loadable()) > len(TEXTS) * 0.9
    assert {"shop", "every join directive", "bank"} <= set(loadable())


@pytest.mark.parametrize("name", TEXTS)
def test_a_restored_supergraph_equals_the_loaded_one(name: str) -> None:
    sdl = TEXTS[name]
    if name not in loadable():
        with pytest.raises(InvalidSupergraph):
            load(sdl)
        return
    expected, found = load(sdl), restored(sdl)
    assert_equal(expected.schema, found.schema)
    assert_equal(expected.api_schema, found.api_schema)
    assert list(found.subgraphs) == list(expected.subgraphs)
    for subgraph, model in expected.subgraphs.items():
        twin = found.subgraphs[subgraph]
        assert twin.url == model.url
        assert list(twin.types) == list(model.types)
        assert dict(twin.types) == model.types
        assert_equal(model.schema, twin.schema)
    for fact in ("restrictions", "list_size_directive", "cost_directive", "override_labels", "names", "names_by_tag"):
        assert getattr(found, fact) == getattr(expected, fact)
    assert found.interface_objects == expected.interface_objects
    assert found.applied_restrictions == expected.applied_restrictions
    assert found.context_carriers == expected.context_carriers


def test_a_plan_for_a_restored_supergraph_is_the_same() -> None:
    known: dict[str, Supergraph] = {}
    planned = 0
    for name, graph, document in operations():
        twin = known.get(graph.sdl)
        if twin is None:
            data = stored(graph.sdl)
            if data is None:
                continue
            twin = known[graph.sdl] = restore(graph.sdl, data)
        if errors := validate(graph.api_schema, parse(document)):
            assert [each.message for each in validate(twin.api_schema, parse(document))] == [
                each.message for each in errors
            ]
            continue
        try:
            expected = plan(graph, document).to_text()
        except RequestError as refusal:
            with pytest.raises(type(refusal)):
                plan(twin, document)
            continue
        planned += 1
        assert plan(twin, document).to_text() == expected, name
    assert planned > len(known)


def test_only_types_that_are_used_are_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    composed = compose(federation(4, 20)).supergraph_sdl
    assert composed is not None
    found = stored(composed)
    assert found is not None
    texts: list[str] = []

    def noted(text: str, *, no_location: bool) -> DocumentNode:
        texts.append(text)
        return parse_sdl(text, no_location=no_location)

    monkeypatch.setattr("router.supergraph.stored_supergraph.parse_sdl", noted)
    graph = restore(composed, found)
    plan(graph, '{ s0e0(id: "1") { id name } }')
    assert len(texts) < len(found.types) / 4
    assert not any("S2E1" in text.partition("{")[0] for text in texts[1:])


def test_a_type_is_the_same_object_before_and_after_it_is_built() -> None:
    schema = restored(SDL).api_schema
    before = dict(schema.type_map)
    query = schema.query_type
    assert query is before["Query"]
    for type_ in before.values():
        assert type_.ast_node is None or type_.ast_node.name.value == type_.name
    assert dict(schema.type_map) == before
    assert all(is_object_type(each) for each in schema.type_map.values() if each.name in {"Query", "User"})
    me = before["Query"].fields["me"]
    assert me.type is before["User"]


def test_an_attribute_that_no_type_has_is_an_error() -> None:
    type_ = restored(SDL).schema.type_map["User"]
    with pytest.raises(AttributeError, match="no_such_attribute"):
        getattr(type_, "no_such_attribute")  # noqa: B009 - mypy knows that it does not exist
    assert copy.copy(restored(SDL).schema.type_map["User"]).name == "User"


def test_threads_that_need_a_type_at_once_get_the_same_one() -> None:
    threads = 8
    for _ in range(20):
        schema = restored(TEXTS["bank"]).schema
        together = Barrier(threads)

        def fields(schema: GraphQLSchema = schema, together: Barrier = together) -> list[int]:
            together.wait()
            return [
                id(field)
                for type_ in schema.type_map.values()
                if is_object_type(type_) and not type_.name.startswith("__")
                for field in type_.fields.values()
            ]

        with ThreadPoolExecutor(threads) as pool:
            first, *others = [job.result() for job in [pool.submit(fields) for _ in range(threads)]]
        assert all(other == first for other in others)


def test_federation_1_has_no_stored_data() -> None:
    assert stored(SUPERGRAPHS["v0.1"]) is None
    assert all(stored(sdl) is not None for version, sdl in SUPERGRAPHS.items() if version != "v0.1")


def test_a_text_that_graphql_core_must_parse_has_no_stored_data() -> None:
    deep = f"{'[' * 60}Int{']' * 60}"
    irregular = SDL.replace("  me: User", f"  deep: {deep} @join__field(graph: PEOPLE)\n  me: User", 1)
    assert parse_supergraph(irregular).starts is None
    assert load(irregular).api_schema.query_type is not None
    assert stored(irregular) is None
