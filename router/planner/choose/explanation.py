"""Why a plan fetches each field where it does.

For each field of the client: the subgraph that it is fetched from, the other subgraphs that could return it and what
the plan would cost then, and why the remaining subgraphs cannot.

    shop.name   from a [operation root]  cost 101000      or b [entity at shop, given id from a]  cost 102000

A cost is that of the fetches without their fields, before passes merge fetches. It compares the options of one field;
all other fields stay where they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from router.federation.type_references import TYPENAME
from router.planner.choose.chosen_fetches import ChosenFetches
from router.planner.walk.nodes_and_options import PathStep, fetch_start

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from router.planner.choose.choice import Choice
    from router.planner.graph.query_graph import QueryGraph
    from router.planner.walk.key_hops import KeyHops
    from router.planner.walk.nodes_and_options import Leaf, PathOption


@dataclass(frozen=True, slots=True)
class ExplainedOption:
    """A subgraph that can return a field.

    Attributes:
        route: how the object is reached there.
        stage: how many fetches in a row come before that fetch.
        cost: the cost of the whole plan with this option.
        fetches: the number of its fetches.
    """

    subgraph: str
    route: str
    stage: int
    cost: int
    fetches: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """A subgraph that cannot return a field, and why."""

    subgraph: str
    reason: str


@dataclass(frozen=True, slots=True)
class FieldExplanation:
    """Where one leaf field is fetched, and why there.

    Attributes:
        path: the response keys from the operation root, joined with dots.
        coordinate: the type and the name of the field.
        reason: why `chosen` was chosen.
        others: the other subgraphs that can return it.
        refusals: the subgraphs that cannot.
    """

    path: str
    coordinate: str
    chosen: ExplainedOption
    reason: str
    others: tuple[ExplainedOption, ...]
    refusals: tuple[Refusal, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """The fields of the client in the order of planning, and the hints of the plan."""

    fields: tuple[FieldExplanation, ...]
    hints: tuple[str, ...] = ()


def explain_choice(
    graph: QueryGraph, hops: KeyHops, leaves: Sequence[Leaf], choice: Choice
) -> Iterator[FieldExplanation]:
    """An explanation for each leaf that the client selects, given what was chosen for all leaves."""
    options, chosen_fetches = choice.options, choice.chosen_fetches
    for number, (leaf, option) in enumerate(zip(leaves, options, strict=True)):
        if leaf.is_internal:
            continue
        chosen = _option(option, chosen_fetches)
        possible = _options_of(graph, hops, leaf)
        others = tuple(_instead(options, number, other) for other in possible if other.subgraph != option.subgraph)
        name = leaf.selection.name
        known = {option.subgraph, *(other.subgraph for other in possible)}
        yield FieldExplanation(
            ".".join((*leaf.node.keys, leaf.selection.key)),
            f"{leaf.node.type_name}.{name}",
            chosen,
            _reason(chosen, others),
            others,
            tuple(
                Refusal(subgraph, _why_not(graph, subgraph, leaf))
                for subgraph in graph.subgraph_names
                if subgraph not in known
            ),
        )


def _options_of(graph: QueryGraph, hops: KeyHops, leaf: Leaf) -> list[PathOption]:
    """For each subgraph that can return the leaf, an option: one that the search compared, if there is one."""
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
        return "no other subgraph can give it here"
    cheapest = min(other.cost for other in others)
    if chosen.cost < cheapest:
        return f"cheapest of {len(others) + 1}"
    if chosen.cost > cheapest:
        return "fetched together with other fields; alone it would be cheaper elsewhere"
    equal = [other for other in others if other.cost == cheapest]
    is_first = all(chosen.stage < other.stage for other in equal)
    return f"none of {len(others) + 1} is cheaper" + (", and this fetch runs first" if is_first else "")


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
            return f"query root again, below {'.'.join(start.node.keys)}"
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
        return f"knows {type_name} only as an interface object, not the concrete type"
    if name != TYPENAME and graph.field(subgraph, type_name, name) is None:
        return _why_unresolved(graph, subgraph, leaf)
    if all(entry.subgraph != subgraph for entry in graph.entries(type_name)):
        return f"has no resolvable key of {type_name}, and the object is not reached by a field there"
    return "is not reached: its keys, or what the field requires, cannot be fetched before"


def _why_unresolved(graph: QueryGraph, subgraph: str, leaf: Leaf) -> str:
    type_name, name = leaf.node.type_name, leaf.selection.name
    definition = graph.type_in(subgraph, type_name)
    field = None if definition is None else definition.fields.get(name)
    if field is None:
        return f"does not resolve {type_name}.{name}"
    if field.label is not None:
        return f"does not resolve {type_name}.{name} while override label {field.label.label} is as it is"
    if field.external:
        return f"has {type_name}.{name} as external only, and nothing provides it here"
    return f"does not resolve {type_name}.{name} for every type the object may have"
