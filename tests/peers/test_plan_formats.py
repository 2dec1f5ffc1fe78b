"""Plans with `@defer`, conditions and subscriptions equal Apollo's, and are printed as text and JSON in its formats."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from graphql import (
    FieldNode,
    InlineFragmentNode,
    NamedTypeNode,
    NameNode,
    OperationDefinitionNode,
    SelectionSetNode,
    parse,
    print_ast,
)

from router.planner import PlanOptions, plan
from tests.peers.apollo_plan import read_plan
from tests.router.planner.federation import composed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.peers.peers import Peers

SUPERGRAPH = composed(
    users="""
      type Query { me: User users: [User!]! any: Named }
      type Mutation { rename: User }
      type Subscription { renamed: User }
      interface Named { name: String }
      type User implements Named @key(fields: "id") { id: ID! name: String best: User settings: Settings }
      type Settings { dark: Boolean owner: User }
      type Robot implements Named @key(fields: "id") { id: ID! name: String }
    """,
    reviews="""
      type Query { latest: Int }
      type User @key(fields: "id") { id: ID! stars: Int likes: Int favourite: User }
    """,
    prices="""
      type User @key(fields: "id") { id: ID! stars: Int @external worth: Int @requires(fields: "stars") }
    """,
)
OPERATIONS = [
    '{ me { name likes ... @defer(label: "more") { stars } } }',
    "{ me { name ... on User @defer { best { name } } } }",
    "{ me { settings { ... @defer { dark owner { stars } } } } }",
    "{ users { settings { dark ... @defer { owner { name stars } } } } }",
    "{ me { name } ... @defer { latest } }",
    "{ ... @defer { me { name likes } } }",
    '{ me { likes ... @defer(label: "a") { stars worth ... @defer(label: "b") { favourite { name } } } } }',
    "{ me { ... @defer { favourite { id ... @defer { likes } } } } }",
    "{ me { ...More @defer } users { ...More @defer } } fragment More on User { likes }",
    "{ any { __typename ... on User { ... @defer { stars } } } }",
    "{ any { __typename ... @defer { name } } }",
    "{ me { name ... @defer(if: false) { likes } } }",
    "{ me { name ... @defer(if: true) { likes } } }",
    "query Q($now: Boolean!) { me { name ... @defer(if: $now) { likes } } }",
    "query Q($a: Boolean!, $b: Boolean!) { me { name ... @defer(if: $a) { likes } ... @defer(if: $b) { stars } } }",
    "query Q($on: Boolean!) { me { name ... @include(if: $on) { ... @defer { likes } } } }",
    "mutation { rename { name ... @defer { likes } } }",
    "subscription { renamed { id name } }",
    "subscription { renamed { name likes worth } }",
    "query Q($on: Boolean!) { me { name worth likes @include(if: $on) } latest @skip(if: $on) }",
]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_plan_equals_apollos(peers: Peers, operation: str) -> None:
    theirs = peers.plan(SUPERGRAPH.sdl, operation, "apollo-defer")
    ours = json.loads(
        json.dumps(plan(SUPERGRAPH, operation, options=PlanOptions(batch_entity_fetches=False)).to_json())
    )
    assert _plan(ours) == _plan(theirs)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_plans_are_printed_as_apollo_prints_them(peers: Peers, operation: str) -> None:
    """Our printer prints Apollo's plan as Apollo does, except that all fetches have numbers; and the reverse."""
    theirs = peers.plan(SUPERGRAPH.sdl, operation, "apollo-defer")
    read = read_plan(theirs)
    assert _unnumbered(read.to_text()) == _unnumbered(_balanced(peers.printed(theirs)))
    assert _plan(json.loads(json.dumps(read.to_json()))) == _plan(theirs)
    ours = plan(SUPERGRAPH, operation, options=PlanOptions(batch_entity_fetches=False))
    assert ours.to_text() == _balanced(peers.printed(json.loads(json.dumps(ours.to_json()))))


def _unnumbered(text: str) -> str:
    return re.sub(r"(id|depends): [\d\[\], ]+", r"\1", text)


def _balanced(text: str) -> str:
    """The text with balanced braces: Apollo prints one too many for a subscription without `rest`."""
    return text if text.count("{") == text.count("}") else text.replace("    },\n    }\n  },\n}", "    },\n  },\n}")


def _plan(printed: Mapping[str, Any]) -> object:
    """The plan without the details that may differ.

    These are the order in a `Parallel`, the names of operations, the numbers of fetches, the places of `__typename`,
    and whether directives are on a fragment or on each of its fields.
    """
    return _node(printed.get("node"), {})


def _node(node: Mapping[str, Any] | None, numbers: dict[str, str]) -> object:  # noqa: PLR0911 - one per kind of node
    if node is None:
        return None
    match node["kind"]:
        case "Fetch":
            return _fetch(node, numbers)
        case "Flatten" if not node["path"]:
            return _node(node["node"], numbers)
        case "Flatten":
            return ("Flatten", tuple(node["path"]), _node(node["node"], numbers))
        case "Parallel":
            return ("Parallel", frozenset(_node(child, numbers) for child in node["nodes"]))
        case "Sequence":
            return ("Sequence", *(_node(child, numbers) for child in node["nodes"]))
        case "Condition":
            clauses = (_node(node.get(clause), numbers) for clause in ("ifClause", "elseClause"))
            return ("Condition", node["condition"], *clauses)
        case "Subscription":
            return ("Subscription", _node(node["primary"], numbers), _node(node.get("rest"), numbers))
        case "Defer":
            primary = node["primary"]
            first = (_selections(primary.get("subselection")), _node(primary.get("node"), numbers))
            return ("Defer", first, frozenset(_deferred(part, numbers) for part in node["deferred"]))
    raise AssertionError(node["kind"])


def _deferred(part: Mapping[str, Any], numbers: dict[str, str]) -> object:
    depends = frozenset(numbers[one["id"]] for one in part["depends"])
    selections = _selections(part.get("subselection"))
    return (part.get("label"), tuple(part["queryPath"]), selections, depends, _node(part.get("node"), numbers))


def _fetch(node: Mapping[str, Any], numbers: dict[str, str]) -> object:
    payload = (node["serviceName"], _selections(node["operation"]), _requires(node.get("requires", ())))
    if "id" in node:
        numbers[node["id"]] = repr(payload)
    return (*payload, tuple(node["variableUsages"]), node["operationKind"], "operationName" in node)


def _requires(selections: Any) -> str:
    return json.dumps(sorted(json.dumps(_sorted(one), sort_keys=True) for one in selections))


def _sorted(selection: Mapping[str, Any]) -> dict[str, Any]:
    below = sorted((_sorted(one) for one in selection.get("selections", ())), key=json.dumps)
    return {**selection, "selections": below}


def _selections(text: str | None) -> str | None:
    if text is None:
        return None
    (operation,) = parse(text, no_location=True).definitions
    assert isinstance(operation, OperationDefinitionNode)
    variables = sorted(print_ast(definition) for definition in operation.variable_definitions or ())
    return f"{variables} {_sorted_selections(operation.selection_set)}"


def _sorted_selections(selection_set: SelectionSetNode, directives: str = "") -> str:
    """The fields sorted by name, without fragments that apply to every object."""
    return "{" + " ".join(sorted(set(_texts(selection_set, directives)))) + "}"


def _texts(selection_set: SelectionSetNode, directives: str = "") -> list[str]:
    found: list[str] = []
    for selection in selection_set.selections:
        field = directives + "".join(f" {print_ast(one)}" for one in selection.directives or ())
        match selection:
            case InlineFragmentNode(type_condition=None | NamedTypeNode(name=NameNode(value="Query"))):
                found += _texts(selection.selection_set, field)
            case InlineFragmentNode(type_condition=NamedTypeNode(name=name)):
                found.append(f"... on {name.value}{_sorted_selections(selection.selection_set, field)}")
            case FieldNode(name=NameNode(value="__typename")):
                pass
            case FieldNode(selection_set=below):
                head = print_ast(replace(selection, selection_set=None, directives=()))
                found.append(head + field + ("" if below is None else _sorted_selections(below)))
    return found
