"""Positions, what is resolved at them, and what is reached from them.

Covers `router/composition/satisfiability/position_graph.py`, `router/composition/satisfiability/reachability.py`,
`router/composition/satisfiability/reachability_cache_and_cycles.py`,
`router/composition/satisfiability/provided_fields.py`,
`router/composition/satisfiability/context_selections.py`,
`router/composition/satisfiability/types_lost_by_extraction.py` and
`router/composition/satisfiability/override_label_combinations.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from router.composition.satisfiability.context_selections import (
    NO_CONTEXT_SELECTIONS,
    Contexts,
    ContextSelection,
    required_context_selections,
)
from router.composition.satisfiability.override_label_combinations import label_assumptions
from router.composition.satisfiability.position_graph import Position, PositionGraph
from router.composition.satisfiability.provided_fields import provided_fields
from router.composition.satisfiability.reachability import Reachability
from router.composition.satisfiability.reachability_cache_and_cycles import ReachabilityCache
from router.composition.satisfiability.types_lost_by_extraction import LostTypes
from router.federation.field_sets import parse_field_set
from tests.router.composition.schemas import field, merged, read

if TYPE_CHECKING:
    from router.composition.merge.merge_state import MergeState


def reachability(state: MergeState, *, assumption: int = 0) -> Reachability:
    lost_types = LostTypes(state)
    graph = PositionGraph(state, list(label_assumptions(state, lost_types))[assumption], lost_types)
    return Reachability(graph, Contexts(state))


def reached(found: Reachability, position: Position) -> list[tuple[int, str]]:
    return [(each.index, each.type_name) for each in found.reachable(position)]


BOOKS = merged(
    'type Query { book: Book } type Book @key(fields: "id") { id: ID }',
    'type Book @key(fields: "id") { id: ID isbn: ID @shareable }',
    'type Book @key(fields: "isbn") { isbn: ID @shareable title: String }',
    'type Book @key(fields: "title", resolvable: false) { title: String @shareable }',
)


def test_positions_are_reached_by_keys_whose_fields_are_reached() -> None:
    assert reached(reachability(BOOKS), Position(0, "Book")) == [(0, "Book"), (1, "Book"), (2, "Book")]


def test_reachable_positions_are_remembered() -> None:
    found = reachability(BOOKS)
    assert found.reachable(Position(0, "Book")) is found.reachable(Position(0, "Book"))
    assert set(found.cache.reachable) >= {Position(0, "Book")}


def test_every_subgraph_is_reached_from_a_root_without_a_key() -> None:
    state = merged("type Query { a: Int }", "type Query { b: Int }")
    assert reached(reachability(state), Position(0, "Query")) == [(0, "Query"), (1, "Query")]


def test_a_field_is_resolved_where_it_is_declared_and_not_external() -> None:
    state = merged(
        'type Query { t: T @provides(fields: "x") } type T @key(fields: "id") { id: ID x: Int @external }',
        'type T @key(fields: "id") { id: ID x: Int @shareable }',
    )
    found = reachability(state)
    plain = Position(0, "T")
    assert found.resolve(plain, "id", NO_CONTEXT_SELECTIONS) is not None
    assert found.resolve(plain, "x", NO_CONTEXT_SELECTIONS) is None
    provided = found.resolve(Position(0, "Query"), "t", NO_CONTEXT_SELECTIONS)
    assert provided == Position(0, "T", frozenset({("T.x", frozenset())}))
    assert found.resolve(provided, "x", NO_CONTEXT_SELECTIONS) is not None


def test_provided_fields_include_those_of_possible_types() -> None:
    schema = read("type Query { i: I } interface I { x: Int } type A implements I { x: Int t: A }")
    assert provided_fields(schema, "I", parse_field_set("x ... on A { t { x } }")) == {
        ("I.x", frozenset()),
        ("A.x", frozenset()),
        ("A.t", frozenset({("A.x", frozenset())})),
    }


def test_a_requirement_must_be_fetched_and_a_key_must_lead_back() -> None:
    state = merged(
        'type Query { t: T u: U } type T @key(fields: "id") { id: ID x: Int @external y: Int @requires(fields: "x") }'
        ' type U @key(fields: "id", resolvable: false) { id: ID x: Int @external y: Int @requires(fields: "x") }',
        'type T @key(fields: "id") { id: ID x: Int } type U { x: Int }',
    )
    found = reachability(state)
    assert found.resolve(Position(0, "T"), "y", NO_CONTEXT_SELECTIONS) is not None
    assert found.resolve(Position(0, "U"), "y", NO_CONTEXT_SELECTIONS) is None
    assert found.cache.requirements == {(Position(0, "T"), "T.y"): True, (Position(0, "U"), "U.y"): False}


def test_requirements_that_need_each_other_are_not_met() -> None:
    state = merged(
        'type Query { t: T } type T @key(fields: "id") { id: ID a: Int @external b: Int @requires(fields: "a") }',
        'type T @key(fields: "id") { id: ID b: Int @external a: Int @requires(fields: "b") }',
    )
    found = reachability(state)
    assert found.resolve(Position(0, "T"), "b", NO_CONTEXT_SELECTIONS) is None
    assert found.cache.open_conditions == set()


def test_an_interface_object_gets_its_type_from_a_subgraph_with_the_interface() -> None:
    state = merged(
        'type Query { i: I } type I @interfaceObject @key(fields: "id") { id: ID x: Int }',
        'interface I @key(fields: "id") { id: ID } type A implements I @key(fields: "id") { id: ID }',
    )
    found = reachability(state)
    value = Position(0, "I")
    assert found.graph.concrete_types(value) == {"A"}
    assert found.as_type(value, "A") == (Position(1, "A"),)
    assert reached(found, Position(1, "A")) == [(1, "A"), (0, "I")]


@pytest.mark.parametrize(("assumption", "overridden"), [(0, {1: {"T.x"}}), (1, {0: {"T.x"}})])
def test_a_label_moves_a_field_from_one_subgraph_to_the_other(assumption: int, overridden: object) -> None:
    state = merged(
        'type Query { t: T } type T @key(fields: "id") { id: ID x: Int }',
        'type T @key(fields: "id") { id: ID x: Int @override(from: "a", label: "move") }',
    )
    found = list(label_assumptions(state, LostTypes(state)))[assumption]
    assert found.overridden == overridden
    assert found.progressive == {0: {"T.x"}, 1: {"T.x"}}


def test_more_than_six_labels_are_assumed_none_all_and_one_by_one() -> None:
    names = "abcdefgh"
    state = merged(
        'type Query { t: T } type T @key(fields: "id") { id: ID ' + " ".join(f"{name}: Int" for name in names) + " }",
        'type T @key(fields: "id") { id: ID '
        + " ".join(f'{name}: Int @override(from: "a", label: "{name}")' for name in names)
        + " }",
    )
    assert len(list(label_assumptions(state, LostTypes(state)))) == 2 + len(names)


def test_no_key_relies_on_a_field_that_a_label_moves() -> None:
    state = merged(
        'type Query { t: T } type T @key(fields: "id") { id: ID x: Int }',
        'type T @key(fields: "id") { id: ID x: Int @override(from: "a", label: "move") }',
        'type T @key(fields: "x") { x: Int @shareable y: Int }',
    )
    assert reached(reachability(state), Position(0, "T")) == [(0, "T"), (1, "T")]


def test_a_type_whose_fields_are_all_overridden_is_not_extracted() -> None:
    state = merged(
        "type Query { a: Int } type T { q: U } type U { x: Int }",
        'type Query { b: Int } type U @shareable { x: Int @override(from: "a") }',
    )
    lost_types = LostTypes(state)
    assert not lost_types.keeps_type_of(0, field(state.subgraphs[0].schema, "T.q"))
    assert lost_types.keeps_type_of(0, field(state.subgraphs[0].schema, "Query.a"))


CONTEXT = merged(
    'type Query { u: U } type U @key(fields: "id") @context(name: "c") { id: ID n: String t: T }'
    ' type T @key(fields: "id") { id: ID x(n: String @fromContext(field: "$c { n }")): Int }'
)


def test_a_contextual_argument_is_supplied_by_the_object_that_sets_the_context() -> None:
    found = reachability(CONTEXT)
    selection = ContextSelection("a__c", " { n }")
    assert required_context_selections(CONTEXT.subgraphs[0], field(CONTEXT.subgraphs[0].schema, "T.x")) == {selection}
    assert found.contexts.set_by == {"U": {"a__c"}}
    available = found.available_below("U", (Position(0, "U"),), NO_CONTEXT_SELECTIONS)
    assert available == {selection}
    assert found.resolve(Position(0, "T"), "x", available) is not None
    assert found.resolve(Position(0, "T"), "x", NO_CONTEXT_SELECTIONS) is None


def test_a_question_that_is_asked_again_gets_a_provisional_answer() -> None:
    cache = ReachabilityCache()
    with cache.checking("q"):
        assert cache.is_open("q")
        assert not cache.is_certain_since(0)
    assert not cache.is_open("q")
    assert cache.is_certain_since(1)


def test_positions_that_grow_are_kept_unless_a_question_is_open() -> None:
    cache = ReachabilityCache()
    first, second = Position(0, "A"), Position(0, "B")
    with cache.grow_together(first) as growing:
        growing[first] = (first, Position(1, "A"))
        assert not cache.is_certain_since(0)
    with cache.checking("q"), cache.grow_together(second):
        pass
    assert cache.reachable == {first: (first, Position(1, "A"))}
    assert cache.growing is None
