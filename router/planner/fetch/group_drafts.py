"""Drafts of fetch groups: which root options share a fetch, and for which entities (see `group_builder`).

A root option is an option at which a fetch begins.
"""

from __future__ import annotations

from functools import reduce
from itertools import chain
from typing import TYPE_CHECKING, TypeAlias

import msgspec
from msgspec.structs import replace

from router.federation.find_type_name_in_reference import TYPENAME
from router.planner.fetch.entity_fetch_sharing import EntitySelection, EntityType, can_select_all, selection_of
from router.planner.fetch.fetch_groups import RepresentationInput, sources_of
from router.planner.fetch.representation_inputs import is_below
from router.planner.fetch.selection_trees import Tree, TreeBuilder, merge_trees
from router.planner.fetch.type_conditions_in_paths import with_type_conditions
from router.planner.walk.nodes_and_options import PathStep, types_on_path

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from router.plan import Path
    from router.planner.choose.choose_hop_inputs import Inputs
    from router.planner.choose.fetches_of_chosen_options import FetchDraft
    from router.planner.fetch.non_null_fields_of_client import NonNullFieldsOfClient
    from router.planner.graph.query_graph import QueryGraph
    from router.planner.walk.nodes_and_options import Leaf, PathOption, TypesOnPath

# The type of entities, with the types that the entities and the objects above them can have. These types are left out
# (empty) if the path of the fetch needs no type condition.
Entities: TypeAlias = "tuple[EntityType, TypesOnPath]"


class GroupDraft(msgspec.Struct, eq=False):
    """Collects the root options and the selections of a future fetch group.

    `builder` collects the selections of a root fetch. `entities` collects the selections of an entity fetch, or of a
    fetch from the query root below objects of several types.

    If `is_for_own_types`, the path restricts the fetch to the types of its root options, although these types are left
    out of `entities`.
    """

    number: int
    seed: FetchDraft
    inputs: dict[PathOption, tuple[RepresentationInput, ...]] = msgspec.field(default_factory=dict)
    builder: TreeBuilder = msgspec.field(default_factory=TreeBuilder)
    entities: dict[Entities, TreeBuilder] = msgspec.field(default_factory=dict)
    selections: tuple[EntitySelection, ...] = ()
    sources: dict[tuple[str, ...], str] = msgspec.field(default_factory=dict)
    is_for_own_types: bool = False

    def takes(self, root: PathOption, inputs: tuple[RepresentationInput, ...]) -> bool:
        """Add a root option with its inputs and return True.

        If two inputs would read the same field from different response keys, add nothing and return False.
        """
        sources = sources_of(inputs)
        if sources is None or any(self.sources.get(name, key) != key for name, key in sources.items()):
            return False
        self.sources |= sources
        self.inputs[root] = inputs
        return True

    def tree(self) -> Tree:
        """Return what the fetch selects."""
        if next(iter(self.inputs)).step is PathStep.QUERY_ROOT:
            return reduce(merge_trees, (builder.freeze() for builder in self.entities.values()), self.builder.freeze())
        fragments: dict[str, Tree] = {}
        for ((type_name, _), _), builder in self.entities.items():
            tree = builder.freeze()
            fragments[type_name] = merge_trees(fragments[type_name], tree) if type_name in fragments else tree
        return Tree(fragments=tuple(fragments.items())) if fragments else self.builder.freeze()

    def part(
        self, kinds: Collection[Entities], roots: Collection[PathOption], selections: tuple[EntitySelection, ...]
    ) -> GroupDraft:
        """Return a new draft with only a part of the entities, and of the root options."""
        return GroupDraft(
            self.number,
            self.seed,
            {root: inputs for root, inputs in self.inputs.items() if root in roots},
            entities={kind: builder for kind, builder in self.entities.items() if kind in kinds},
            selections=selections,
        )


def entities_of(
    graph: QueryGraph, roots: Iterable[PathOption], inputs: Mapping[PathOption, Inputs]
) -> dict[PathOption, Entities]:
    """Return the entities that the fetch of each key hop or re-entry is for.

    The types are left out where no selection can do harm: if all root options for the same objects in one subgraph
    have the same node, or nodes that differ only in the type of the entity. They are not left out if a hop waits for
    the types of its objects.
    """
    alike: dict[tuple[str, tuple[str, ...]], list[PathOption]] = {}
    for root in roots:
        if root.step is not PathStep.OPERATION_ROOT:
            alike.setdefault((root.subgraph, root.node.track), []).append(root)
    found: dict[PathOption, Entities] = {}
    for same in alike.values():
        types = _types_that_matter(graph, same, inputs)
        found |= {
            root: (EntityType(root.type_name, root.node.type_name), each)
            for root, each in zip(same, types, strict=True)
        }
    return found


def _types_that_matter(
    graph: QueryGraph, roots: Sequence[PathOption], inputs: Mapping[PathOption, Inputs]
) -> Sequence[TypesOnPath]:
    first = roots[0]
    is_conditioned = any(is_type_above(leaf, root) for root in roots for leaf, _ in inputs.get(root, ()))
    if is_conditioned or any(root.node is not first.node or root.type_name != first.type_name for root in roots):
        types = [types_on_path(root.node, graph.possible) for root in roots]
        if (
            is_conditioned
            or len({one[:-1] for one in types}) > 1
            or any(graph.is_interface_object(root.subgraph, root.type_name) for root in roots)
        ):
            return types
    return [()] * len(roots)


def is_type_above(leaf: Leaf, root: PathOption) -> bool:
    """Return whether an input of a hop is the `__typename` of an object above the entity.

    It is not part of a representation. A type condition in the path of the fetch needs it.
    """
    return leaf.selection.name == TYPENAME and not is_below(leaf.node, root.node)


def parts(
    graph: QueryGraph,
    draft: GroupDraft,
    entities_of_roots: Mapping[PathOption, Entities],
    client: NonNullFieldsOfClient,
) -> list[GroupDraft]:
    """Split the draft if some of its entities must not share a fetch. Otherwise return only the draft itself."""
    first = next(iter(draft.inputs))
    entities = entities_of_roots.get(first)
    if entities is None:  # a fetch from the operation root
        return [draft]
    if not entities[1]:
        if _is_below_several_types(graph, first):
            _keep_from_other_types(graph, draft, entities_of_roots, client)
        return [draft]
    found: list[tuple[list[Entities], list[EntitySelection]]] = []
    for selection, same in _selections(graph, draft, entities_of_roots, client):
        part = next((part for part in found if can_select_all([*part[1], selection])), None)
        if part is None:
            part = ([], [])
            found.append(part)
        part[0].extend(same)
        part[1].append(selection)
    if len(found) > 1:
        return [
            draft.part(kinds, [root for root in draft.inputs if entities_of_roots[root] in kinds], tuple(selections))
            for kinds, selections in found
        ]
    for _, selections in found:
        draft.selections = tuple(selections)
    return [draft]


def _selections(
    graph: QueryGraph,
    draft: GroupDraft,
    entities_of_roots: Mapping[PathOption, Entities],
    client: NonNullFieldsOfClient,
) -> list[tuple[EntitySelection, list[Entities]]]:
    """Return the different selections of the draft, each with the entities that it is for."""
    builders = draft.entities or {entities_of_roots[next(iter(draft.inputs))]: draft.builder}
    alike: dict[EntitySelection, list[Entities]] = {}
    types_of: dict[Entities, TypesOnPath] = {}
    for entities, builder in builders.items():
        roots = [root for root in draft.inputs if entities_of_roots[root] == entities]
        given = _given(chain(*(draft.inputs[root] for root in roots)))
        selection = selection_of(graph, roots[0].subgraph, entities[0], builder.freeze(), given)
        if selection.harmful:
            selection = replace(selection, client=client.selections(roots[0].node, selection.harmful))
        alike.setdefault(selection, []).append(entities)
        types_of[entities] = entities[1] or types_on_path(roots[0].node, graph.possible)
    return [
        (replace(selection, entities=frozenset(types_of[entities] for entities in same)), same)
        for selection, same in alike.items()
    ]


def _keep_from_other_types(
    graph: QueryGraph,
    draft: GroupDraft,
    entities_of_roots: Mapping[PathOption, Entities],
    client: NonNullFieldsOfClient,
) -> None:
    """Restrict the fetch to the types of its root options, if it could do harm to objects below other types."""
    root = next(iter(draft.inputs))
    draft.selections = tuple(selection for selection, _ in _selections(graph, draft, entities_of_roots, client))
    draft.is_for_own_types = (
        any(selection.harmful for selection in draft.selections)
        and client.selects_below_other_types(root.node)
        and _are_types_known(graph, root)
    )


def _is_below_several_types(graph: QueryGraph, root: PathOption) -> bool:
    """Return whether an object above the objects of a fetch can have one of several types."""
    return any(len(types) > 1 for types in types_on_path(root.node, graph.possible, with_conditions=False)[:-1])


def _are_types_known(graph: QueryGraph, root: PathOption) -> bool:
    """Return whether `__typename` is the type of each object above `root` that has a type condition.

    A subgraph with an interface object returns the name of the interface.
    """
    own = types_on_path(root.node, graph.possible)
    every = types_on_path(root.node, graph.possible, with_conditions=False)
    conditioned = frozenset[str]().union(*(all_ for one, all_ in zip(own[:-1], every, strict=False) if one < all_))
    return all(conditioned.isdisjoint(graph.possible(name)) for name in graph.supergraph.interface_objects)


def _given(inputs: Iterable[RepresentationInput]) -> frozenset[str]:
    """Return the leaf fields that representations contain, whichever of the inputs is used."""
    given = [frozenset(path[0] for path, _ in entry.keys) for entry in inputs]
    return frozenset.intersection(*given) if given else frozenset()


def path_of(graph: QueryGraph, draft: GroupDraft) -> Path:
    """Return the path of the fetch. If type conditions restrict its entities, the path has these conditions."""
    root = next(iter(draft.inputs))
    if draft.is_for_own_types:
        allowed = [types_on_path(one.node, graph.possible) for one in draft.inputs]
    else:
        allowed = [types for _, types in draft.entities]
    if not allowed or not allowed[0]:
        return root.node.path
    all_types = [types_on_path(one.node, graph.possible, with_conditions=False) for one in draft.inputs]
    unions = [frozenset[str]().union(*types) for types in zip(*allowed, strict=True)]
    everything = [frozenset[str]().union(*types) for types in zip(*all_types, strict=True)]
    conditions = [types if types < every else frozenset() for types, every in zip(unions, everything, strict=True)]
    return with_type_conditions(root.node.path, conditions)
