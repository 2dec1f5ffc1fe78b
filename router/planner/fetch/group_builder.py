"""Builds fetch groups from the options that are chosen for leaves (planning §6.2).

A root option is an option at which a fetch begins. A guard is a variable of `@skip` or `@include` with its required
value. There are four steps:

1. Find the guards under which each root option is used. The key fields for an entity fetch get the guards of the fields
   that the entity fetch returns, because the fetch needs its key whenever it returns a field.
2. Find the root options that share a fetch.
3. Collect the selections of each fetch.
4. Split a fetch if some of its selections must not be sent for all of its entities (`entity_fetch_sharing`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING, TypeAlias

from router.planner.fetch.entity_fetch_sharing import (
    EntitySelection,
    EntityType,
    can_select_all,
    selection_of,
)
from router.planner.fetch.fetch_groups import FetchGroup, RepresentationInput, sources_of
from router.planner.fetch.representation_inputs import Fetched, input_of, is_below
from router.planner.fetch.selection_trees import Tree, TreeBuilder, merge_trees
from router.planner.fetch.type_conditions_in_paths import with_type_conditions
from router.planner.normalise.skip_and_include_guards import Guards, weaker, weakest
from router.planner.walk.nodes_and_options import PathStep, fetch_start, types_on_path

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from router.plan import Path
    from router.planner.choose.fetches_of_chosen_options import ChosenFetches, FetchDraft
    from router.planner.graph.query_graph import QueryGraph
    from router.planner.normalise.merge_selections import MergedField
    from router.planner.walk.nodes_and_options import Leaf, ObjectNode, PathOption, TypesOnPath

# A leaf, the option by which the leaf is fetched, and the guards under which it is fetched.
LeafUse: TypeAlias = "tuple[Leaf, PathOption, Guards]"

# The type of entities, with the types that the entities and the objects above them can have. These types are left out
# (empty) if no other selection on the same entities could do harm.
Entities: TypeAlias = "tuple[EntityType, TypesOnPath]"


@dataclass(eq=False, slots=True)
class _GroupDraft:
    """Collects the root options and the selections of a future fetch group.

    `builder` collects the selections of a root fetch. `entities` collects the selections of an entity fetch.
    """

    number: int
    seed: FetchDraft
    inputs: dict[PathOption, tuple[RepresentationInput, ...]] = field(default_factory=dict)
    builder: TreeBuilder = field(default_factory=TreeBuilder)
    entities: dict[Entities, TreeBuilder] = field(default_factory=dict)
    selections: tuple[EntitySelection, ...] = ()
    sources: dict[tuple[str, ...], str] = field(default_factory=dict)

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
        fragments: dict[str, Tree] = {}
        for ((type_name, _), _), builder in self.entities.items():
            tree = builder.freeze()
            fragments[type_name] = merge_trees(fragments[type_name], tree) if type_name in fragments else tree
        return Tree(fragments=tuple(fragments.items())) if fragments else self.builder.freeze()

    def part(
        self, kinds: Collection[Entities], roots: Collection[PathOption], selections: tuple[EntitySelection, ...]
    ) -> _GroupDraft:
        """Return a new draft with only a part of the entities, and of the root options."""
        return _GroupDraft(
            self.number,
            self.seed,
            {root: inputs for root, inputs in self.inputs.items() if root in roots},
            entities={kind: builder for kind, builder in self.entities.items() if kind in kinds},
            selections=selections,
        )


class GroupBuilder:
    """Builds the fetch groups for one choice of options.

    `presence` is a function from an object to one of its leaves. This leaf is fetched only to find out whether the
    object exists.
    """

    def __init__(self, graph: QueryGraph, costing: ChosenFetches, presence: Callable[[ObjectNode], Leaf]) -> None:
        self._graph = graph
        self._costing = costing
        self._presence = presence
        self._fetched = Fetched()
        self._uses: list[LeafUse] = []
        self._draft_of: dict[PathOption, _GroupDraft] = {}
        self._entities_of: dict[PathOption, Entities] = {}
        self._builders: dict[tuple[PathOption, Guards], TreeBuilder] = {}

    def build(self, chosen: Sequence[tuple[Leaf, PathOption]]) -> tuple[FetchGroup, ...]:
        """Return the groups for the leaves and their chosen options. Each group comes after the groups it waits for."""
        for leaf, option in chosen:
            self._use(leaf, option, leaf.selection.guards)
        drafts = self._drafts()
        self._find_entities()
        for leaf, option, guards in self._uses:
            self._builder(option, guards).leaf(_with_contexts(leaf.selection, option), guards)
        for root in self._draft_of:
            self._select_typename(root)
        drafts = [part for draft in drafts for part in self._parts(draft)]
        for number, draft in enumerate(drafts):
            draft.number = number
            self._draft_of |= dict.fromkeys(draft.inputs, draft)
        return tuple(self._group(draft) for draft in drafts)

    def _use(self, leaf: Leaf, option: PathOption, guards: Guards) -> None:
        pending = [(leaf, option)]
        while pending:
            using, at = pending.pop(0)
            self._uses.append((using, at, guards))
            self._fetched.leaf(using, at).append(guards)
            root = fetch_start(at)
            usages = self._fetched.usages.setdefault(root, {})
            if guards in usages or next(weaker(guards, usages), None) is not None:
                continue
            usages[guards] = None
            if root.step is PathStep.QUERY_ROOT:
                assert root.parent is not None  # noqa: S101 - the option whose field is the query root
                pending.append((self._presence(root.parent.node), root.parent))
            pending += self._costing.inputs.get(root, ())

    def _drafts(self) -> list[_GroupDraft]:
        drafts: list[_GroupDraft] = []
        for seed in self._costing.fetches.values():
            mine: list[_GroupDraft] = []
            for root in seed.starts:
                if root not in self._fetched.usages:
                    continue
                inputs = self._inputs(root)
                draft = next((draft for draft in mine if draft.takes(root, inputs)), None)
                if draft is None:
                    draft = _GroupDraft(len(drafts) + len(mine), seed, {root: inputs}, sources=sources_of(inputs) or {})
                    mine.append(draft)
                self._draft_of[root] = draft
            drafts += mine
        return drafts

    def _inputs(self, root: PathOption) -> tuple[RepresentationInput, ...]:
        if root.step is not PathStep.KEY_HOP:
            return ()
        return (input_of(self._graph, root, self._costing.inputs[root], self._fetched),)

    def _find_entities(self) -> None:
        """Find out which entities each entity fetch is for.

        The types are left out where no selection can do harm: if all root options for the same objects in one subgraph
        have the same node, or nodes that differ only in the type of the entity.
        """
        alike: dict[tuple[str, tuple[str, ...]], list[PathOption]] = {}
        for root in self._draft_of:
            if root.step is PathStep.KEY_HOP:
                alike.setdefault((root.subgraph, root.node.track), []).append(root)
        for roots in alike.values():
            kinds = [EntityType(root.type_name, root.node.type_name) for root in roots]
            types: Sequence[TypesOnPath] = [()] * len(roots)
            if any(root.node is not roots[0].node or root.type_name != roots[0].type_name for root in roots):
                found = [types_on_path(root.node, self._graph.possible) for root in roots]
                if len({one[:-1] for one in found}) > 1 or any(map(self._is_interface_object, roots)):
                    types = found
            self._entities_of |= dict(zip(roots, zip(kinds, types, strict=True), strict=True))

    def _is_interface_object(self, root: PathOption) -> bool:
        return self._graph.is_interface_object(root.subgraph, root.type_name)

    def _parts(self, draft: _GroupDraft) -> list[_GroupDraft]:
        """Split the draft if some of its entities must not share a fetch. Otherwise return only the draft itself."""
        alike: dict[EntitySelection, list[Entities]] = {}
        for entities, builder in draft.entities.items():
            kind, types = entities
            if not types:
                return [draft]
            given = self._given(draft, entities)
            selection = selection_of(self._graph, draft.seed.starts[0].subgraph, kind, builder.freeze(), given)
            alike.setdefault(selection, []).append(entities)
        if not alike:
            return [draft]
        parts: list[tuple[list[Entities], list[EntitySelection]]] = []
        for selection, same in alike.items():
            wanted = replace(selection, entities=frozenset(types for _, types in same))
            part = next((part for part in parts if can_select_all([*part[1], wanted])), None)
            if part is None:
                part = ([], [])
                parts.append(part)
            part[0].extend(same)
            part[1].append(wanted)
        if len(parts) == 1:
            draft.selections = tuple(parts[0][1])
            return [draft]
        return [
            draft.part(kinds, [root for root in draft.inputs if self._entities_of[root] in kinds], tuple(selections))
            for kinds, selections in parts
        ]

    def _given(self, draft: _GroupDraft, entities: Entities) -> frozenset[str]:
        """Return the leaf fields that the representations of some entities contain, whichever input is used."""
        inputs = chain(*(inputs for root, inputs in draft.inputs.items() if self._entities_of[root] == entities))
        return frozenset.intersection(*(frozenset(path[0] for path, _ in entry.keys) for entry in inputs))

    def _builder(self, option: PathOption, guards: Guards) -> TreeBuilder:
        key = (option, guards)
        known = self._builders.get(key)
        if known is None:
            known = self._builders[key] = self._new_builder(option, guards)
        return known

    def _new_builder(self, option: PathOption, guards: Guards) -> TreeBuilder:
        node = option.node
        if option.starts_fetch:
            draft = self._draft_of[option]
            if option.step is PathStep.KEY_HOP:
                return draft.entities.setdefault(self._entities_of[option], TreeBuilder(self._is_abstract(option)))
            return draft.builder
        assert option.parent is not None  # noqa: S101 - only root options have no parent
        above = self._builder(option.parent, guards)
        if option.step is PathStep.DEFER:
            return above
        if option.step is PathStep.DOWNCAST:
            is_narrower = self._graph.is_abstract_in(option.subgraph, option.parent.type_name)
            return above.fragment(option.type_name) if is_narrower else above
        assert node.selection is not None  # noqa: S101 - every field step comes from a selection
        own = guards if node.internal_depth else node.guards
        selection = _with_contexts(node.selection, option.parent)
        return above.composite(selection, own, is_abstract=self._is_abstract(option))

    def _is_abstract(self, option: PathOption) -> bool:
        """Return whether `__typename` must be selected, because the object can have one of several types.

        `__typename` is not selected on an interface object: the subgraph would return the name of the interface.
        """
        if option.step is PathStep.KEY_HOP and self._is_interface_object(option):
            return False
        is_abstract_here = self._graph.is_abstract_in(option.subgraph, option.type_name)
        return is_abstract_here or self._graph.is_abstract(option.node.type_name)

    def _group(self, draft: _GroupDraft) -> FetchGroup:
        root = next(iter(draft.inputs))
        after = {self._draft_of[at].number for root in draft.inputs for at in self._sources(root)}
        return FetchGroup(
            number=draft.number,
            subgraph=root.subgraph,
            path=self._path(draft),
            track=root.node.track,
            block=root.node.block,
            tree=draft.tree(),
            after=frozenset(after),
            inputs=tuple(chain(*draft.inputs.values())),
            contexts=tuple(dict.fromkeys(value for root in draft.inputs for value in root.contexts)),
            selections=draft.selections,
        )

    def _path(self, draft: _GroupDraft) -> Path:
        """Return the path of the fetch. If type conditions restrict its entities, the path has these conditions."""
        allowed = [types for _, types in draft.entities]
        root = next(iter(draft.inputs))
        if not allowed or not allowed[0]:
            return root.node.path
        all_types = [types_on_path(one.node, self._graph.possible, with_conditions=False) for one in draft.inputs]
        unions = [frozenset[str]().union(*types) for types in zip(*allowed, strict=True)]
        everything = [frozenset[str]().union(*types) for types in zip(*all_types, strict=True)]
        conditions = [types if types < every else frozenset() for types, every in zip(unions, everything, strict=True)]
        return with_type_conditions(root.node.path, conditions)

    def _sources(self, root: PathOption) -> list[PathOption]:
        if root.step is PathStep.QUERY_ROOT:
            assert root.parent is not None  # noqa: S101 - the option whose field is the query root
            return [fetch_start(root.parent)]
        return [fetch_start(at) for _, at in self._costing.inputs.get(root, ())]

    def _select_typename(self, root: PathOption) -> None:
        """Select `__typename` in the fetches that return the inputs of the entity fetch at `root`.

        Each representation needs `__typename`. Like the key fields, `__typename` is read from the responses of earlier
        fetches.
        """
        inputs = self._costing.inputs.get(root, ())
        pending: list[PathOption] = []
        for leaf, at in inputs:
            if is_below(leaf.node, root.node):
                pending.append(at)
            else:
                self._add_typename(at, root)
        while pending:
            option = pending.pop()
            if option.node is root.node:
                if option.step is not PathStep.DOWNCAST:
                    self._add_typename(option, root)
            elif option.parent is not None:
                pending.append(option.parent)
            else:
                pending += [at for _, at in self._costing.inputs[option]]

    def _add_typename(self, option: PathOption, root: PathOption) -> None:
        for guards in weakest(self._fetched.usages[root]):
            self._builder(option, guards).typename(guards)


def _with_contexts(selection: MergedField, option: PathOption) -> MergedField:
    """Return the selection with its `@fromContext` arguments added (planning §3.22)."""
    if not option.contexts or selection.name != option.contextual_field:
        return selection
    return replace(selection, arguments=(*selection.arguments, *(value.argument for value in option.contexts)))
