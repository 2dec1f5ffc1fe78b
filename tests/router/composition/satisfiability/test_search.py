"""Covers `router/composition/satisfiability/search.py`."""

from __future__ import annotations

from router.composition import Composition, Subgraph, compose

LINK = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.11",'
    ' import: ["@key", "@shareable", "@external", "@requires", "@override"])\n'
)


def _compose(*schemas: str) -> Composition:
    return compose(Subgraph(name, "", LINK + sdl) for name, sdl in zip("abcdef", schemas, strict=False))


def test_keys_that_need_each_other_do_not_hide_a_way() -> None:
    composition = _compose(
        'type Query { user: User } type User @key(fields: "id") { id: ID! }',
        'type User @key(fields: "id") { id: ID! org: Org @shareable } type Org @key(fields: "id") { id: ID! }',
        'type Org @key(fields: "id") { id: ID! owner: Owner @shareable } type Owner @key(fields: "id") { id: ID! }',
        'type User @key(fields: "org { owner { id } }") { org: Org @shareable name: String }'
        " type Org @shareable { owner: Owner } type Owner @shareable { id: ID! }",
    )
    assert composition.errors == ()


def test_a_key_can_be_gathered_from_several_subgraphs() -> None:
    composition = _compose(
        'type Query { t: T } type T @key(fields: "a") { a: ID }',
        'type T @key(fields: "a") { a: ID x: ID @shareable }',
        'type T @key(fields: "a") { a: ID y: ID @shareable }',
        'type T @key(fields: "x y") { x: ID y: ID z: Int }',
    )
    assert composition.errors == ()


def test_the_error_shows_a_shortest_query_and_a_reason_for_each_subgraph() -> None:
    composition = _compose(
        'type Query { t(first: Int!): T } type T @key(fields: "id") { id: ID }',
        'type T @key(fields: "id", resolvable: false) { id: ID deep: Deep } type Deep { x: Int }',
    )
    (error,) = composition.errors
    assert error.code == "SATISFIABILITY_ERROR"
    assert error.message.splitlines() == [
        "The following query is possible on the supergraph, but the subgraphs cannot resolve it:",
        "  query {",
        "    t(first: 0) {",
        "      deep {",
        "        ...",
        "      }",
        "    }",
        "  }",
        "because",
        '- from subgraph "a":',
        '  - cannot find field "T.deep".',
        '  - cannot move to subgraph "b", which has "T.deep": the @key of T there is not resolvable.',
    ]


def test_requirements_that_need_each_other_are_an_error_not_a_hang() -> None:
    composition = _compose(
        'type Query { t: T } type T @key(fields: "id") { id: ID a: Int @external b: Int @requires(fields: "a") }',
        'type T @key(fields: "id") { id: ID b: Int @external a: Int @requires(fields: "b") }',
    )
    assert {error.code for error in composition.errors} == {"SATISFIABILITY_ERROR"}


def test_a_label_must_be_satisfiable_on_and_off() -> None:
    composition = _compose(
        'type Query { t: T } type T @key(fields: "id") { id: ID a: Int @override(from: "b", label: "move") }',
        'type T @key(fields: "id", resolvable: false) { id: ID a: Int }',
    )
    assert {error.code for error in composition.errors} == {"SATISFIABILITY_ERROR"}
