"""Why a plan is as it is.

For each field the client asked for: where it is fetched, where else it could have been and what the plan would cost
then, and why the other subgraphs are no choice at all. Options are told even if they were never weighed, because the
chosen option is as good in any plan.

Costs are Apollo's (a fetch is worth 1000, one that waits for n others in a row a hundred n times that), before passes
merge fetches; they compare the choices of one field while all others stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from router.federation.type_names import TYPENAME
from router.planner.choose.fetch_costing import FetchCosting
from router.planner.walk.nodes_and_options import PathStep, root_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from router.planner.graph.query_graph import QueryGraph
    from router.planner.walk.key_hops import KeyHops
    from router.planner.walk.nodes_and_options import Leaf, PathOption


@dataclass(frozen=True, slots=True)
class Option:
    """One option a field could be fetched at, how one gets there, and what the whole plan comes to with it.

    `stage` is how many fetches run before that one, one after the other.
    """

    subgraph: str
    route: str
    stage: int
    cost: int
    fetches: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """A subgraph, and why it is no option for the field."""

    subgraph: str
    reason: str


@dataclass(frozen=True, slots=True)
class FieldExplanation:
    """Where one leaf field is fetched, and why there.

    Attributes:
        path: response keys from the root, joined with dots.
        coordinate: type and name of the field.
        reason: why `chosen` was chosen.
    """

    path: str
    coordinate: str
    chosen: Option
    reason: str
    others: tuple[Option, ...]
    refusals: tuple[Refusal, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Each field the client asked for, in the order of planning; `hints` as those of the plan."""

    fields: tuple[FieldExplanation, ...]
    hints: tuple[str, ...] = ()


def explain_choice(
    graph: QueryGraph, hops: KeyHops, leaves: Sequence[Leaf], options: Sequence[PathOption]
) -> Iterator[FieldExplanation]:
    """An explanation for each leaf the client asked for, given the option chosen for every leaf."""
    costing = FetchCosting(options)
    for number, (leaf, option) in enumerate(zip(leaves, options, strict=True)):
        if leaf.is_internal:
            continue
        chosen = _option(option, costing)
        could = _options_of(graph, hops, leaf)
        others = tuple(_instead(options, number, other) for other in could if other.subgraph != option.subgraph)
        name = leaf.selection.name
        known = {option.subgraph, *(other.subgraph for other in could)}
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
    """For each subgraph that can give the leaf, one option to do so: among those weighed if it was."""
    node, name = leaf.node, leaf.selection.name
    found = {option.subgraph: option for option in reversed(leaf.options)}
    for option in (*node.direct, *hops.at(node)):
        if _gives(graph, option, name):
            found.setdefault(option.subgraph, option)
    for entry, edge in () if name == TYPENAME else graph.requiring(node.type_name, name):
        required = hops.requiring(node, entry, edge, name)
        if required is not None:
            found.setdefault(required.subgraph, required)
    return [found[subgraph] for subgraph in graph.subgraph_names if subgraph in found]


def _gives(graph: QueryGraph, option: PathOption, name: str) -> bool:
    if name == TYPENAME:
        return not graph.is_interface_object(option.subgraph, option.type_name)
    edge = graph.field(option.subgraph, option.type_name, name, option.scope)
    return edge is not None and edge.is_free


def _option(option: PathOption, costing: FetchCosting) -> Option:
    return Option(option.subgraph, _route(option, costing), option.stage, costing.cost, len(costing.fetches))


def _instead(options: Sequence[PathOption], number: int, other: PathOption) -> Option:
    return _option(other, FetchCosting([*options[:number], other, *options[number + 1 :]]))


def _reason(chosen: Option, others: Sequence[Option]) -> str:
    if not others:
        return "no other subgraph can give it here"
    cheapest = min(other.cost for other in others)
    if chosen.cost < cheapest:
        return f"cheapest of {len(others) + 1}"
    if chosen.cost > cheapest:
        return "moves together with other fields; alone it would be cheaper elsewhere"
    equal = [other for other in others if other.cost == cheapest]
    answers_first = all(chosen.stage < other.stage for other in equal)
    return f"none of {len(others) + 1} is cheaper" + (", and it answers first" if answers_first else "")


def _route(option: PathOption, costing: FetchCosting) -> str:
    root = root_of(option)
    match root.step:
        case PathStep.HOP:
            given: dict[str, list[str]] = {}
            for leaf, source in costing.inputs.get(root, ()):
                given.setdefault(source.subgraph, []).append(_inner_path(leaf, root))
            sources = [f"{' '.join(dict.fromkeys(names))} from {subgraph}" for subgraph, names in given.items()]
            where = ".".join(root.node.keys) or "the root"
            return f"entity at {where}, given {', '.join(sources)}"
        case PathStep.REENTER:
            return f"query root again, below {'.'.join(root.node.keys)}"
        case _:
            return "operation root"


def _inner_path(leaf: Leaf, root: PathOption) -> str:
    return ".".join((*leaf.node.keys[len(root.node.keys) :], leaf.selection.name))


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
    return "no way to it: its keys, or what the field requires, are nowhere to be had before"


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
