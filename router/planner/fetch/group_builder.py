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

from itertools import chain
from typing import TYPE_CHECKING, TypeAlias

from msgspec.structs import replace

from router.planner.fetch.fetch_groups import FetchGroup, RepresentationInput, sources_of
from router.planner.fetch.group_drafts import GroupDraft, entities_of, is_type_above, parts, path_of
from router.planner.fetch.non_null_fields_of_client import NonNullFieldsOfClient
from router.planner.fetch.representation_inputs import Fetched, input_of, is_below
from router.planner.fetch.selection_trees import TreeBuilder
from router.planner.normalise.skip_and_include_guards import Guards, weaker, weakest
from router.planner.walk.nodes_and_options import PathStep, fetch_start

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from router.planner.choose.fetches_of_chosen_options import ChosenFetches
    from router.planner.fetch.group_drafts import Entities
    from router.planner.graph.query_graph import QueryGraph
    from router.planner.normalise.merge_selections import MergedField
    from router.planner.walk.nodes_and_options import Leaf, ObjectNode, PathOption

# A leaf, the option by which the leaf is fetched, and the guards under which it is fetched.
LeafUse: TypeAlias = "tuple[Leaf, PathOption, Guards]"


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
        self._draft_of: dict[PathOption, GroupDraft] = {}
        self._entities_of: dict[PathOption, Entities] = {}
        self._builders: dict[tuple[PathOption, Guards], TreeBuilder] = {}

    def build(self, chosen: Sequence[tuple[Leaf, PathOption]]) -> tuple[FetchGroup, ...]:
        """Return the groups for the leaves and their chosen options. Each group comes after the groups it waits for."""
        for leaf, option in chosen:
            self._use(leaf, option, leaf.selection.guards)
        drafts = self._drafts()
        self._entities_of = entities_of(self._graph, self._draft_of, self._costing.inputs)
        for leaf, option, guards in self._uses:
            self._builder(option, guards).leaf(_with_contexts(leaf.selection, option), guards)
        for root in self._draft_of:
            self._select_typename(root)
        client = NonNullFieldsOfClient(self._graph, [leaf for leaf, _ in chosen])
        drafts = [part for draft in drafts for part in parts(self._graph, draft, self._entities_of, client)]
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

    def _drafts(self) -> list[GroupDraft]:
        drafts: list[GroupDraft] = []
        for seed in self._costing.fetches.values():
            mine: list[GroupDraft] = []
            for root in seed.starts:
                if root not in self._fetched.usages:
                    continue
                inputs = self._inputs(root)
                draft = next((draft for draft in mine if draft.takes(root, inputs)), None)
                if draft is None:
                    draft = GroupDraft(len(drafts) + len(mine), seed, {root: inputs}, sources=sources_of(inputs) or {})
                    mine.append(draft)
                self._draft_of[root] = draft
            drafts += mine
        return drafts

    def _inputs(self, root: PathOption) -> tuple[RepresentationInput, ...]:
        if root.step is not PathStep.KEY_HOP:
            return ()
        return (input_of(self._graph, root, self._costing.inputs[root], self._fetched),)

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
            entities = self._entities_of.get(option)
            if entities is None or (option.step is PathStep.QUERY_ROOT and not entities[1]):
                return draft.builder
            return draft.entities.setdefault(entities, TreeBuilder(self._is_abstract(option)))
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

    def _group(self, draft: GroupDraft) -> FetchGroup:
        root = next(iter(draft.inputs))
        sources = [one for root in draft.inputs for one in self._sources(root)]
        after = frozenset(self._draft_of[at].number for at, _ in sources)
        without_types = frozenset(self._draft_of[at].number for at, is_type in sources if not is_type)
        return FetchGroup(
            number=draft.number,
            subgraph=root.subgraph,
            path=path_of(self._graph, draft),
            track=root.node.track,
            block=root.node.block,
            tree=draft.tree(),
            after=after,
            after_without_types=None if without_types == after else without_types,
            inputs=tuple(chain(*draft.inputs.values())),
            contexts=tuple(dict.fromkeys(value for root in draft.inputs for value in root.contexts)),
            selections=draft.selections,
        )

    def _sources(self, root: PathOption) -> list[tuple[PathOption, bool]]:
        """Return where the fetches begin that the fetch of `root` waits for, and whether it is for a type condition."""
        if root.step is PathStep.QUERY_ROOT:
            assert root.parent is not None  # noqa: S101 - the option whose field is the query root
            return [(fetch_start(root.parent), False)]
        inputs = self._costing.inputs.get(root, ())
        return [(fetch_start(at), is_type_above(leaf, root)) for leaf, at in inputs]

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
            if option.node.track == root.node.track:
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
