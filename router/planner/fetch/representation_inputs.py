"""Builds `RepresentationInput`s: what the representations of an entity fetch contain (planning §6.2).

A representation contains the leaf fields of the entity's key and of the `@requires` field sets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from router.federation.find_type_name_in_reference import TYPENAME
from router.plan import InputField, InputFragment, Key, KeyRenamer, Path, TypeIs, ValueSetter
from router.planner.fetch.fetch_groups import RepresentationInput
from router.planner.normalise.skip_and_include_guards import weakest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from router.plan import InputSelection, Rewrite
    from router.planner.choose.choose_hop_inputs import Inputs
    from router.planner.graph.query_graph import QueryGraph
    from router.planner.normalise.skip_and_include_guards import Guards
    from router.planner.walk.nodes_and_options import Leaf, ObjectNode, PathOption


class _Shape(msgspec.Struct):
    """Collects the fields of a representation.

    `names` maps each alias in the response to the name of its field.
    """

    is_abstract: bool = False
    fields: dict[str, _Shape] = msgspec.field(default_factory=dict)
    names: dict[str, str] = msgspec.field(default_factory=dict)
    fragments: dict[str, _Shape] = msgspec.field(default_factory=dict)

    def selections(self) -> tuple[InputSelection, ...]:
        """Return the selections that are read from the response to build the representation."""
        typename: tuple[InputSelection, ...] = (InputField(TYPENAME),) if self.is_abstract else ()
        fields = tuple(InputField(key, shape.selections()) for key, shape in self.fields.items() if key != TYPENAME)
        fragments = tuple(InputFragment(name, shape.selections()) for name, shape in self.fragments.items())
        return (*typename, *fields, *fragments)

    def rewrites(self, path: Path) -> Iterable[Rewrite]:
        """Yield the renames from aliases to field names. Inner keys are renamed before outer keys."""
        for key, shape in self.fields.items():
            yield from shape.rewrites((*path, Key(key)))
            if key in self.names:
                yield KeyRenamer((*path, Key(key)), self.names[key])
        for name, shape in self.fragments.items():
            yield from shape.rewrites((*path, TypeIs((name,))))

    def keys(self, path: tuple[str, ...]) -> Iterable[tuple[tuple[str, ...], str]]:
        """Yield the path of each field in the representation, with the response key from which the field is read."""
        for key, shape in self.fields.items():
            here = (*path, self.names.get(key, key))
            yield here, key
            yield from shape.keys(here)
        for name, shape in self.fragments.items():
            yield from shape.keys((*path, f"... on {name}"))


class Fetched(msgspec.Struct):
    """Collects the guards under which options are used and leaves are fetched.

    A set of guards is a condition: all its `@skip` and `@include` variables have the required values. `usages` maps
    each root option (the start of a fetch) to the sets of guards under which it is used. `leaves` maps each leaf to the
    sets of guards under which it is fetched. A leaf is identified by its option, response key and signature.
    """

    usages: dict[PathOption, dict[Guards, None]] = msgspec.field(default_factory=dict)
    leaves: dict[tuple[PathOption, str, str], list[Guards]] = msgspec.field(default_factory=dict)

    def leaf(self, leaf: Leaf, option: PathOption) -> list[Guards]:
        """Return the sets of guards under which `option` fetches `leaf`.

        The result is the stored list itself, so the caller can append a set of guards to it.
        """
        return self.leaves.setdefault((option, leaf.selection.key, leaf.selection.signature), [])


def input_of(graph: QueryGraph, root: PathOption, chosen: Inputs, fetched: Fetched) -> RepresentationInput:
    """Return the fields that an entity fetch sends in its representations.

    `root` is the option at which the fetch begins. `chosen` has the leaves of the key and of the `@requires` fields,
    each with its chosen option.
    """
    entry = root.entry
    assert entry is not None  # noqa: S101 - the root option of an entity fetch has one
    shape = _Shape()
    guards: dict[tuple[str, ...], list[Guards]] = {}
    for leaf, option in chosen:
        if is_below(leaf.node, root.node) and not any(leaf is each for each in root.context_leaves):
            path = _add(graph, shape, leaf, root.node)
            for length in range(1, len(path) + 1):
                guards.setdefault(path[:length], []).extend(fetched.leaf(leaf, option))
    type_name = root.node.type_name
    start: Path = (TypeIs((type_name,)),)
    rewrites = list(shape.rewrites(start))
    if entry.is_interface_object:
        rewrites.append(ValueSetter((*start, Key(TYPENAME)), entry.type_name))
    return RepresentationInput(
        type_name,
        shape.selections(),
        usages=tuple(weakest(fetched.usages[root])),
        keys=tuple(shape.keys(())),
        fetched=tuple((path, tuple(weakest(alternatives))) for path, alternatives in guards.items()),
        rewrites=tuple(rewrites),
    )


def is_below(node: ObjectNode, start: ObjectNode) -> bool:
    """Return whether `node` is `start` or an object below `start`.

    `@fromContext` values can be read from objects above `start`. For these objects, return False.
    """
    at: ObjectNode | None = node
    while at is not None and at is not start:
        at = at.parent
    return at is start


def _add(graph: QueryGraph, shape: _Shape, leaf: Leaf, start: ObjectNode) -> tuple[str, ...]:
    """Add a leaf to the representation. Return the path of the leaf in the representation."""
    path: list[str] = []
    steps: list[ObjectNode] = []
    node = leaf.node
    while node is not start:
        steps.append(node)
        assert node.parent is not None  # noqa: S101 - the leaves of an input are below its object
        node = node.parent
    for step in reversed(steps):
        if step.selection is None:
            if step.type_condition is not None:
                shape = shape.fragments.setdefault(step.type_condition, _Shape())
                path.append(f"... on {step.type_condition}")
            continue
        below = _Shape(is_abstract=graph.is_abstract(step.type_name))
        if step.selection.key != step.selection.name:
            shape.names[step.selection.key] = step.selection.name
        shape = shape.fields.setdefault(step.selection.key, below)
        path.append(step.selection.name)
    selection = leaf.selection
    if selection.key != selection.name:
        shape.names[selection.key] = selection.name
    shape.fields.setdefault(selection.key, _Shape())
    return (*path, selection.name)
