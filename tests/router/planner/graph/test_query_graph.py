"""The query graph returns fields, types and entries."""

from __future__ import annotations

from router.planner.graph.query_graph import QueryGraph
from tests.router.planner.federation import composed


def graph() -> QueryGraph:
    return QueryGraph(
        composed(
            a="""
            type Query { review: Review node: Node }
            interface Node @key(fields: "id") { id: ID! name: String }
            type User implements Node @key(fields: "id") { id: ID! name: String }
            type Bot implements Node @key(fields: "id") { id: ID! name: String }
            type Review { author: Author @provides(fields: "email") }
            type Author @key(fields: "id") { id: ID! email: String @external }
            """,
            b="""
            type Node @interfaceObject @key(fields: "id") { id: ID! score: Int }
            type Author @key(fields: "id", resolvable: false) { id: ID! }
            """,
            c="""
            type Author @key(fields: "id") @key(fields: "email") { id: ID! email: String @shareable }
            """,
        )
    )


def test_an_external_field_is_resolved_only_where_it_is_provided() -> None:
    tested = graph()
    assert tested.field("a", "Author", "email") is None
    author = tested.field("a", "Review", "author")
    assert author is not None
    assert tested.field("a", "Author", "email", author.scope) is not None


def test_entries_leave_out_keys_that_are_not_resolvable() -> None:
    assert [(entry.subgraph, len(entry.keys)) for entry in graph().entries("Author")] == [("a", 1), ("c", 2)]


def test_an_implementation_can_be_entered_by_its_interface_object() -> None:
    entries = {entry.subgraph: entry for entry in graph().entries("User")}
    assert entries["b"].type_name == "Node"
    assert entries["b"].is_interface_object
    assert not entries["a"].is_interface_object


def test_an_interface_object_stands_for_types_its_subgraph_does_not_know() -> None:
    tested = graph()
    assert tested.possible("Node") == {"User", "Bot"}
    assert tested.possible_in("b", "Node") == {"Node"}
    assert tested.possible_in("a", "Node") == {"User", "Bot"}
