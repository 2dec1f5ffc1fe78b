"""Why a plan is as it is.

For each field the client asked for: where it is fetched, where else it could have been and what the plan would cost
then, and why the other subgraphs are no choice at all.

Costs are Apollo's (a fetch is worth 1000, one that waits for n others in a row a hundred n times that), before passes
merge fetches; they compare the choices of one field while all others stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from router.planner.walk.activation import Activation
from router.planner.walk.decisions import root_of
from router.planner.walk.positions import Step

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from router.planner.graph.query_graph import QueryGraph
    from router.planner.walk.positions import Leaf, Place

    Others = tuple[tuple[Place, ...], int]

TYPENAME = "__typename"


@dataclass(frozen=True, slots=True)
class Option:
    """One place a field could be fetched at, how one gets there, and what the whole plan comes to with it."""

    subgraph: str
    route: str
    cost: int
    fetches: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """A subgraph that knows the type, and why it is no option for the field."""

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


def explain_choice(graph: QueryGraph, leaves: Sequence[Leaf], places: Sequence[Place]) -> Iterator[FieldExplanation]:
    """An explanation for each leaf the client asked for, given the place chosen for every leaf."""
    activation = Activation(places)
    for number, (leaf, place) in enumerate(zip(leaves, places, strict=True)):
        if leaf.hidden:
            continue
        chosen = _option(place, activation)
        others = tuple(_instead(places, number, other) for other in leaf.options if other is not place)
        name = leaf.selection.name
        yield FieldExplanation(
            ".".join((*leaf.position.keys, leaf.selection.key)),
            f"{leaf.position.type_name}.{name}",
            chosen,
            _reason(chosen, others),
            others,
            tuple(_refusals(graph, leaf)),
        )


def _option(place: Place, activation: Activation) -> Option:
    return Option(place.subgraph, _route(place, activation), activation.cost, len(activation.seeds))


def _instead(places: Sequence[Place], number: int, other: Place) -> Option:
    return _option(other, Activation([*places[:number], other, *places[number + 1 :]]))


def _reason(chosen: Option, others: Sequence[Option]) -> str:
    if not others:
        return "the only place that need be considered"
    cheapest = min(other.cost for other in others)
    if chosen.cost < cheapest:
        return f"cheapest of {len(others) + 1}"
    if chosen.cost == cheapest:
        return f"none of {len(others) + 1} is cheaper"
    return "moves together with other fields; alone it would be cheaper elsewhere"


def _route(place: Place, activation: Activation) -> str:
    root = root_of(place)
    match root.step:
        case Step.HOP:
            given: dict[str, list[str]] = {}
            for leaf, source in activation.inputs.get(root, ()):
                given.setdefault(source.subgraph, []).append(_inner_path(leaf, root))
            sources = [f"{' '.join(dict.fromkeys(names))} from {subgraph}" for subgraph, names in given.items()]
            where = ".".join(root.position.keys) or "the root"
            return f"entity at {where}, given {', '.join(sources)}"
        case Step.REENTER:
            return f"query root again, below {'.'.join(root.position.keys)}"
        case _:
            return "operation root"


def _inner_path(leaf: Leaf, root: Place) -> str:
    return ".".join((*leaf.position.keys[len(root.position.keys) :], leaf.selection.name))


def _refusals(graph: QueryGraph, leaf: Leaf) -> Iterator[Refusal]:
    options = {place.subgraph for place in leaf.options}
    for subgraph in graph.subgraph_names:
        if subgraph not in options and graph.type_in(subgraph, leaf.position.type_name) is not None:
            yield Refusal(subgraph, _why_not(graph, subgraph, leaf))


def _why_not(graph: QueryGraph, subgraph: str, leaf: Leaf) -> str:
    type_name, name = leaf.position.type_name, leaf.selection.name
    definition = graph.type_in(subgraph, type_name)
    assert definition is not None  # noqa: S101 - only subgraphs that have the type are asked about
    if name == TYPENAME and definition.is_interface_object:
        return f"knows {type_name} only as an interface object, not the concrete type"
    if name != TYPENAME and graph.field(subgraph, type_name, name) is None:
        return _why_unresolved(graph, subgraph, leaf)
    if any(base.subgraph == subgraph for base in leaf.position.bases):
        return "stands there after more fetches, which the option includes"
    if all(entry.subgraph != subgraph for entry in graph.entries(type_name)):
        return f"has no resolvable key of {type_name}, and the object is not reached by a field there"
    if all(place.subgraph != subgraph for place in leaf.position.hops or ()):
        return "need not be entered, or its keys are nowhere to be had"
    return "would take all fetches of an option and more"


def _why_unresolved(graph: QueryGraph, subgraph: str, leaf: Leaf) -> str:
    type_name, name = leaf.position.type_name, leaf.selection.name
    definition = graph.type_in(subgraph, type_name)
    field = None if definition is None else definition.fields.get(name)
    if field is None:
        return f"does not resolve {type_name}.{name}"
    if field.label is not None:
        return f"does not resolve {type_name}.{name} while override label {field.label.label} is as it is"
    if field.external:
        return f"has {type_name}.{name} as external only, and nothing provides it here"
    return f"does not resolve {type_name}.{name} for every type the object may have"
