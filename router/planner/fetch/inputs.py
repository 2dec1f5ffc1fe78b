"""From the leaves of a key and of requirements to the representation they make."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from router.plan import InputField, InputFragment, Key, KeyRenamer, Path, TypeIs, ValueSetter
from router.planner.fetch.groups import Input
from router.planner.normalise.selections import TYPENAME

if TYPE_CHECKING:
    from collections.abc import Iterable

    from router.plan import InputSelection, Rewrite
    from router.planner.graph.query_graph import QueryGraph
    from router.planner.normalise.guards import Guards
    from router.planner.walk.decisions import Inputs
    from router.planner.walk.positions import Leaf, Place, Position


@dataclass(slots=True)
class _Shape:
    """A representation while it grows; `names` are the schema names of aliased keys."""

    is_abstract: bool = False
    fields: dict[str, _Shape] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    fragments: dict[str, _Shape] = field(default_factory=dict)

    def selections(self) -> tuple[InputSelection, ...]:
        typename: tuple[InputSelection, ...] = (InputField(TYPENAME),) if self.is_abstract else ()
        fields = tuple(InputField(key, shape.selections()) for key, shape in self.fields.items() if key != TYPENAME)
        fragments = tuple(InputFragment(name, shape.selections()) for name, shape in self.fragments.items())
        return (*typename, *fields, *fragments)

    def rewrites(self, path: Path) -> Iterable[Rewrite]:
        for key, shape in self.fields.items():
            yield from shape.rewrites((*path, Key(key)))
            if key in self.names:
                yield KeyRenamer((*path, Key(key)), self.names[key])
        for name, shape in self.fragments.items():
            yield from shape.rewrites((*path, TypeIs((name,))))

    def keys(self, path: tuple[str, ...]) -> Iterable[tuple[tuple[str, ...], str]]:
        for key, shape in self.fields.items():
            here = (*path, self.names.get(key, key))
            yield here, key
            yield from shape.keys(here)
        for name, shape in self.fragments.items():
            yield from shape.keys((*path, f"... on {name}"))


def input_of(graph: QueryGraph, root: Place, chosen: Inputs, usages: tuple[Guards, ...]) -> Input:
    """The input of a place behind a key, given the leaves it was decided to be entered with."""
    entry = root.entry
    assert entry is not None  # noqa: S101 - every place behind a key has one
    shape = _Shape()
    for leaf, _ in chosen:
        if is_below(leaf.position, root.position):
            _add(graph, shape, leaf, root.position)
    type_name = root.position.type_name
    start: Path = (TypeIs((type_name,)),)
    rewrites = list(shape.rewrites(start))
    if entry.is_interface_object:
        rewrites.append(ValueSetter((*start, Key(TYPENAME)), entry.type_name))
    return Input(type_name, shape.selections(), usages, tuple(shape.keys(())), tuple(rewrites))


def is_below(position: Position, start: Position) -> bool:
    """Whether a position is the object at `start` or below it; values of contexts are read above it."""
    at: Position | None = position
    while at is not None and at is not start:
        at = at.parent
    return at is start


def _add(graph: QueryGraph, shape: _Shape, leaf: Leaf, start: Position) -> None:
    steps: list[Position] = []
    position = leaf.position
    while position is not start:
        steps.append(position)
        assert position.parent is not None  # noqa: S101 - the leaves of an input are below its object
        position = position.parent
    for step in reversed(steps):
        if step.selection is None:
            shape = shape.fragments.setdefault(step.type_name, _Shape())
            continue
        below = _Shape(is_abstract=graph.is_abstract(step.type_name))
        if step.selection.key != step.selection.name:
            shape.names[step.selection.key] = step.selection.name
        shape = shape.fields.setdefault(step.selection.key, below)
    selection = leaf.selection
    if selection.key != selection.name:
        shape.names[selection.key] = selection.name
    shape.fields.setdefault(selection.key, _Shape())
