"""Explain from which subgraph a plan fetches each field, and why.

For each leaf field that the client selects, the explanation has:

- the chosen subgraph, with the cost of the plan;
- the other subgraphs that can return the field, each with the cost of a plan that uses this subgraph;
- the remaining subgraphs, each with the reason why the subgraph cannot return the field.

Example: field `shop.name`; chosen subgraph a, other subgraph b:

    shop.name   from a [operation root]  cost 101000      or b [entity at shop, given id from a]  cost 102000

The cost is the sum of the costs of all fetches, before fetches are merged and without their fields. For the cost with
another subgraph, only the option of the explained field is changed. All other fields keep their options.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from router.federation.find_type_name_in_reference import TYPENAME
from router.planner.choose.fetches_of_chosen_options import ChosenFetches
from router.planner.walk.nodes_and_options import PathStep, fetch_start

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from router.planner.choose.choice_of_options import Choice
    from router.planner.graph.query_graph import QueryGraph
    from router.planner.walk.key_hops import KeyHops
    from router.planner.walk.nodes_and_options import Leaf, PathOption


class ExplainedOption(msgspec.Struct, frozen=True):
    """A subgraph that can return a field.

    Attributes:
        route: How the fetch gets the object, such as `operation root`.
        stage: The stage of the fetch: the number of fetches that must run, one after the other, before this fetch.
        cost: The cost of the whole plan if the field is fetched from this subgraph.
        fetches: The number of fetches of the whole plan if the field is fetched from this subgraph.
    """

    subgraph: str
    route: str
    stage: int
    cost: int
    fetches: int


class Refusal(msgspec.Struct, frozen=True):
    """A subgraph that cannot return a field, and the reason why."""

    subgraph: str
    reason: str


class FieldExplanation(msgspec.Struct, frozen=True):
    """From which subgraph one leaf field is fetched, and why.

    Attributes:
        path: The response keys from the operation root, joined with dots.
        coordinate: The type and the name of the field, such as `Product.name`.
        reason: Why the subgraph in `chosen` was chosen.
        others: The other subgraphs that can return the field.
        refusals: The subgraphs that cannot return the field, each with the reason why.
    """

    path: str
    coordinate: str
    chosen: ExplainedOption
    reason: str
    others: tuple[ExplainedOption, ...]
    refusals: tuple[Refusal, ...]


class Explanation(msgspec.Struct, frozen=True):
    """The explanations of all fields of the client, in the order of planning.

    `hints` are messages of the planner. For example, a hint says that the search stopped at its deadline.
    """

    fields: tuple[FieldExplanation, ...]
    hints: tuple[str, ...] = ()


def explain_choice(
    graph: QueryGraph, hops: KeyHops, leaves: Sequence[Leaf], choice: Choice
) -> Iterator[FieldExplanation]:
    """Yield an explanation for each leaf that the client selects. `choice` is the planner's choice for all leaves."""
    options, chosen_fetches = choice.options, choice.chosen_fetches
    for number, (leaf, option) in enumerate(zip(leaves, options, strict=True)):
        if leaf.is_internal:
            continue
        chosen = _option(option, chosen_fetches)
        possible = _options_of(graph, hops, leaf)
        others = tuple(_instead(options, number, other) for other in possible if other.subgraph != option.subgraph)
        name = leaf.selection.name
        possible_subgraphs = {option.subgraph, *(other.subgraph for other in possible)}
        yield FieldExplanation(
            ".".join((*leaf.node.keys, leaf.selection.key)),
            f"{leaf.node.type_name}.{name}",
            chosen,
            _reason(chosen, others),
            others,
            tuple(
                Refusal(subgraph, _why_not(graph, subgraph, leaf))
                for subgraph in graph.subgraph_names
                if subgraph not in possible_subgraphs
            ),
        )


def _options_of(graph: QueryGraph, hops: KeyHops, leaf: Leaf) -> list[PathOption]:
    """Return an option for each subgraph that can return the leaf.

    `leaf.options` can lack a subgraph, because the walk leaves out options that cannot make a plan cheaper. For such a
    subgraph, the result has another option that reaches the leaf's object, such as a hop.
    """
    node, name = leaf.node, leaf.selection.name
    found = {option.subgraph: option for option in reversed(leaf.options)}
    for option in (*node.direct, *hops.at(node)):
        if _resolves(graph, option, name):
            found.setdefault(option.subgraph, option)
    for entry, edge in () if name == TYPENAME else graph.requiring(node.type_name, name):
        required = hops.requiring(node, entry, edge, name)
        if required is not None:
            found.setdefault(required.subgraph, required)
    return [found[subgraph] for subgraph in graph.subgraph_names if subgraph in found]


def _resolves(graph: QueryGraph, option: PathOption, name: str) -> bool:
    if name == TYPENAME:
        return not graph.is_interface_object(option.subgraph, option.type_name)
    edge = graph.field(option.subgraph, option.type_name, name, option.scope)
    return edge is not None and edge.needs_no_inputs


def _option(option: PathOption, chosen_fetches: ChosenFetches) -> ExplainedOption:
    return ExplainedOption(
        option.subgraph, _route(option, chosen_fetches), option.stage, chosen_fetches.cost, len(chosen_fetches.fetches)
    )


def _instead(options: Sequence[PathOption], number: int, other: PathOption) -> ExplainedOption:
    return _option(other, ChosenFetches([*options[:number], other, *options[number + 1 :]]))


def _reason(chosen: ExplainedOption, others: Sequence[ExplainedOption]) -> str:
    if not others:
        return "no other subgraph can return it here"
    cheapest = min(other.cost for other in others)
    if chosen.cost < cheapest:
        return f"the cheapest of {len(others) + 1} subgraphs"
    if chosen.cost > cheapest:
        return "shares a fetch with other fields; alone it would be cheaper from another subgraph"
    equal = [other for other in others if other.cost == cheapest]
    is_first = all(chosen.stage < other.stage for other in equal)
    return "no other subgraph is cheaper" + (", and this fetch runs first" if is_first else "")


def _route(option: PathOption, chosen_fetches: ChosenFetches) -> str:
    start = fetch_start(option)
    match start.step:
        case PathStep.KEY_HOP:
            given: dict[str, list[str]] = {}
            for leaf, source in chosen_fetches.inputs.get(start, ()):
                given.setdefault(source.subgraph, []).append(_inner_path(leaf, start))
            sources = [f"{' '.join(dict.fromkeys(names))} from {subgraph}" for subgraph, names in given.items()]
            where = ".".join(start.node.keys) or "the root"
            return f"entity at {where}, given {', '.join(sources)}"
        case PathStep.QUERY_ROOT:
            return f"query root at {'.'.join(start.node.keys)}"
        case _:
            return "operation root"


def _inner_path(leaf: Leaf, start: PathOption) -> str:
    return ".".join((*leaf.node.keys[len(start.node.keys) :], leaf.selection.name))


def _why_not(graph: QueryGraph, subgraph: str, leaf: Leaf) -> str:
    type_name, name = leaf.node.type_name, leaf.selection.name
    definition = graph.type_in(subgraph, type_name)
    if definition is None:
        return f"does not define {type_name}"
    if name == TYPENAME and definition.is_interface_object:
        return f"defines {type_name} as an interface object, so it cannot return the concrete type"
    if name != TYPENAME and graph.field(subgraph, type_name, name) is None:
        return _why_unresolved(graph, subgraph, leaf)
    if all(entry.subgraph != subgraph for entry in graph.entries(type_name)):
        return f"has no resolvable key of {type_name}, and does not resolve the path to the object"
    return "has no key whose fields can be fetched first, or the requirements of the field cannot be fetched"


def _why_unresolved(graph: QueryGraph, subgraph: str, leaf: Leaf) -> str:
    type_name, name = leaf.node.type_name, leaf.selection.name
    definition = graph.type_in(subgraph, type_name)
    field = None if definition is None else definition.fields.get(name)
    if field is None:
        return f"does not resolve {type_name}.{name}"
    if field.label is not None:
        state = "active" if field.label.when else "inactive"
        return f"resolves {type_name}.{name} only while override label {field.label.label} is {state}"
    if field.external:
        return f"defines {type_name}.{name} only as @external, and no @provides applies here"
    return f"does not resolve {type_name}.{name} for every possible type of the object"
