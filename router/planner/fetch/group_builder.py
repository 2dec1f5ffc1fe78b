"""Builds fetch groups from the options that are chosen for leaves (planning §6.2).

A root option is an option at which a fetch begins. A guard is a variable of `@skip` or `@include` with its required
value. There are four steps:

1. Find the guards under which each root option is used. The key fields for an entity fetch get the guards of the fields
   that the entity fetch returns, because the fetch needs its key whenever it returns a field.
2. Find the root options that share a fetch.
3. Collect the selections of each fetch.
4. Split a fetch if some of its selections must not be sent for all of its objects (`interface_object_fetch_sharing`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING, TypeAlias

from router.planner.fetch.fetch_groups import FetchGroup, RepresentationInput, sources_of
from router.planner.fetch.interface_object_fetch_sharing import (
    EntityType,
    InterfaceObjectSelection,
    can_select_all,
    selection_of,
)
from router.planner.fetch.representation_inputs import Fetched, input_of, is_below
from router.planner.fetch.selection_trees import Tree, TreeBuilder, merge_trees
from router.planner.normalise.skip_and_include_guards import Guards, weaker, weakest
from router.planner.walk.nodes_and_options import PathStep, fetch_start

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from router.planner.choose.fetches_of_chosen_options import ChosenFetches, FetchDraft
    from router.planner.graph.query_graph import QueryGraph
    from router.planner.normalise.merge_selections import MergedField
    from router.planner.walk.nodes_and_options import Leaf, ObjectNode, PathOption

# A leaf, the option by which the leaf is fetched, and the guards under which it is fetched.
LeafUse: TypeAlias = "tuple[Leaf, PathOption, Guards]"


@dataclass(eq=False, slots=True)
class _GroupDraft:
    """Collects the root options and the selections of a future fetch group.

    `builder` collects the selections of a root fetch. `entities` collects the selections of an entity fetch, by type.
    """

    number: int
    seed: FetchDraft
    inputs: dict[PathOption, tuple[RepresentationInput, ...]] = field(default_factory=dict)
    builder: TreeBuilder = field(default_factory=TreeBuilder)
    entities: dict[EntityType, TreeBuilder] = field(default_factory=dict)
    interface_objects: tuple[InterfaceObjectSelection, ...] = ()
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
        for (type_name, _), builder in self.entities.items():
            tree = builder.freeze()
            fragments[type_name] = merge_trees(fragments[type_name], tree) if type_name in fragments else tree
        return Tree(fragments=tuple(fragments.items())) if fragments else self.builder.freeze()

    def part(self, entered: Collection[EntityType], selections: tuple[InterfaceObjectSelection, ...]) -> _GroupDraft:
        """Return a new draft with only a part of the entities: those whose types are in `entered`."""
        return _GroupDraft(
            self.number,
            self.seed,
            {root: inputs for root, inputs in self.inputs.items() if _entered(root) in entered},
            entities={key: builder for key, builder in self.entities.items() if key in entered},
            interface_objects=selections,
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
        self._builders: dict[tuple[PathOption, Guards], TreeBuilder] = {}

    def build(self, chosen: Sequence[tuple[Leaf, PathOption]]) -> tuple[FetchGroup, ...]:
        """Return the groups for the leaves and their chosen options. Each group comes after the groups it waits for."""
        for leaf, option in chosen:
            self._use(leaf, option, leaf.selection.guards)
        drafts = self._drafts()
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

    def _parts(self, draft: _GroupDraft) -> list[_GroupDraft]:
        """Split the draft if some of its types must not share a fetch. Otherwise return only the draft itself.

        Only types that are an `@interfaceObject` in the subgraph are separated (see `interface_object_fetch_sharing`).
        """
        alike: dict[InterfaceObjectSelection | None, list[tuple[EntityType, InterfaceObjectSelection | None]]] = {}
        for entered in draft.entities:
            asked = self._asked(draft, entered)
            alike.setdefault(asked and replace(asked, types=frozenset()), []).append((entered, asked))
        parts: list[tuple[list[EntityType], list[InterfaceObjectSelection]]] = [([], [])]
        for kind, same in alike.items():
            types = frozenset[str]().union(*(asked.types for _, asked in same if asked is not None))
            wanted = [] if kind is None else [replace(kind, types=types)]
            part = next((part for part in parts if can_select_all([*part[1], *wanted])), None)
            if part is None:
                part = ([], [])
                parts.append(part)
            part[0].extend(entered for entered, _ in same)
            part[1].extend(wanted)
        if len(parts) == 1:
            draft.interface_objects = tuple(parts[0][1])
            return [draft]
        return [draft.part(entered, tuple(asked)) for entered, asked in parts]

    def _asked(self, draft: _GroupDraft, entered: EntityType) -> InterfaceObjectSelection | None:
        """Return what the fetch of `draft` selects on the entities of type `entered`.

        Return None if the type is not an `@interfaceObject` in the subgraph.
        """
        subgraph = next(iter(draft.inputs)).subgraph
        if not self._graph.is_interface_object(subgraph, entered.in_subgraph):
            return None
        inputs = chain(*(inputs for root, inputs in draft.inputs.items() if _entered(root) == entered))
        given = frozenset.intersection(*(frozenset(path[0] for path, _ in entry.keys) for entry in inputs))
        return selection_of(self._graph, subgraph, entered, draft.entities[entered].freeze(), given)

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
                return draft.entities.setdefault(_entered(option), TreeBuilder(self._is_abstract(option)))
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
        if option.step is PathStep.KEY_HOP and self._graph.is_interface_object(option.subgraph, option.type_name):
            return False
        is_abstract_here = self._graph.is_abstract_in(option.subgraph, option.type_name)
        return is_abstract_here or self._graph.is_abstract(option.node.type_name)

    def _group(self, draft: _GroupDraft) -> FetchGroup:
        root = next(iter(draft.inputs))
        after = {self._draft_of[at].number for root in draft.inputs for at in self._sources(root)}
        return FetchGroup(
            number=draft.number,
            subgraph=root.subgraph,
            path=root.node.path,
            track=root.node.track,
            block=root.node.block,
            tree=draft.tree(),
            after=frozenset(after),
            inputs=tuple(chain(*draft.inputs.values())),
            contexts=tuple(dict.fromkeys(value for root in draft.inputs for value in root.contexts)),
            interface_objects=draft.interface_objects,
        )

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


def _entered(root: PathOption) -> EntityType:
    return EntityType(root.type_name, root.node.type_name)


def _with_contexts(selection: MergedField, option: PathOption) -> MergedField:
    """Return the selection with its `@fromContext` arguments added (planning §3.22)."""
    if not option.contexts or selection.name != option.contextual_field:
        return selection
    return replace(selection, arguments=(*selection.arguments, *(value.argument for value in option.contexts)))
