"""From chosen places to fetch groups.

Passes over the choice: under which guards is every root used (a key is fetched whenever one of the fields behind it
is); which roots share a fetch; what does each fetch select; may all of its objects be asked for that.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING, TypeAlias

from router.planner.choose.path_selection import root_of
from router.planner.fetch.groups import FetchGroup, RepresentationInput, sources_of
from router.planner.fetch.inputs import Fetched, input_of, is_below
from router.planner.fetch.interface_object_sharing import InterfaceObjectSelection, can_select_all, selection_of
from router.planner.fetch.trees import Tree, TreeBuilder, merge_trees
from router.planner.normalise.guards import Guards, weaker, weakest
from router.planner.walk.nodes import PathStep

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from router.planner.choose.fetch_costing import FetchCosting, FetchDraft
    from router.planner.graph.query_graph import QueryGraph
    from router.planner.normalise.selections import MergedField
    from router.planner.walk.nodes import Leaf, ObjectNode, PathOption

# What objects are entered as in a subgraph, and their type in the response.
EntityType: TypeAlias = tuple[str, str]
# A leaf, the place it is fetched at, and the guards it is fetched under.
Use: TypeAlias = "tuple[Leaf, PathOption, Guards]"


@dataclass(eq=False, slots=True)
class _Draft:
    """A group while its roots are gathered: `builder` grows what a root is asked for, `entities` what entities are."""

    number: int
    seed: FetchDraft
    inputs: dict[PathOption, tuple[RepresentationInput, ...]] = field(default_factory=dict)
    builder: TreeBuilder = field(default_factory=TreeBuilder)
    entities: dict[EntityType, TreeBuilder] = field(default_factory=dict)
    asked: tuple[InterfaceObjectSelection, ...] = ()
    sources: dict[tuple[str, ...], str] = field(default_factory=dict)

    def takes(self, root: PathOption, inputs: tuple[RepresentationInput, ...]) -> bool:
        """Have a root in the fetch, if one representation can carry its inputs beside the others."""
        sources = sources_of(inputs)
        if sources is None or any(self.sources.get(name, key) != key for name, key in sources.items()):
            return False
        self.sources |= sources
        self.inputs[root] = inputs
        return True

    def tree(self) -> Tree:
        fragments: dict[str, Tree] = {}
        for (type_name, _), builder in self.entities.items():
            tree = builder.freeze()
            fragments[type_name] = merge_trees(fragments[type_name], tree) if type_name in fragments else tree
        return Tree(fragments=tuple(fragments.items())) if fragments else self.builder.freeze()

    def part(self, entered: Collection[EntityType], asked: tuple[InterfaceObjectSelection, ...]) -> _Draft:
        """A draft for some of the entities."""
        return _Draft(
            self.number,
            self.seed,
            {root: inputs for root, inputs in self.inputs.items() if _entered(root) in entered},
            entities={key: builder for key, builder in self.entities.items() if key in entered},
            asked=asked,
        )


class GroupBuilder:
    """Builds the groups of one choice."""

    def __init__(self, graph: QueryGraph, costing: FetchCosting, presence: Callable[[ObjectNode], Leaf]) -> None:
        self._graph = graph
        self._costing = costing
        self._presence = presence
        self._fetched = Fetched()
        self._uses: list[Use] = []
        self._draft_of: dict[PathOption, _Draft] = {}
        self._builders: dict[tuple[PathOption, Guards], TreeBuilder] = {}

    def build(self, chosen: Sequence[tuple[Leaf, PathOption]]) -> tuple[FetchGroup, ...]:
        """The groups, each after those it waits for."""
        for leaf, place in chosen:
            self._use(leaf, place, leaf.selection.guards)
        drafts = self._drafts()
        for leaf, place, guards in self._uses:
            self._builder(place, guards).leaf(_with_contexts(leaf.selection, place), guards)
        for root in self._draft_of:
            self._select_typename(root)
        drafts = [part for draft in drafts for part in self._parts(draft)]
        for number, draft in enumerate(drafts):
            draft.number = number
            self._draft_of |= dict.fromkeys(draft.inputs, draft)
        return tuple(self._group(draft) for draft in drafts)

    def _use(self, leaf: Leaf, place: PathOption, guards: Guards) -> None:
        pending = [(leaf, place)]
        while pending:
            using, at = pending.pop(0)
            self._uses.append((using, at, guards))
            self._fetched.leaf(using, at).append(guards)
            root = root_of(at)
            usages = self._fetched.usages.setdefault(root, {})
            if guards in usages or next(weaker(guards, usages), None) is not None:
                continue
            usages[guards] = None
            if root.step is PathStep.REENTER:
                assert root.parent is not None  # noqa: S101 - the place it re-enters from
                pending.append((self._presence(root.parent.node), root.parent))
            pending += self._costing.inputs.get(root, ())

    def _drafts(self) -> list[_Draft]:
        drafts: list[_Draft] = []
        for seed in self._costing.fetches.values():
            mine: list[_Draft] = []
            for root in seed.roots:
                if root not in self._fetched.usages:
                    continue
                inputs = self._inputs(root)
                draft = next((draft for draft in mine if draft.takes(root, inputs)), None)
                if draft is None:
                    draft = _Draft(len(drafts) + len(mine), seed, {root: inputs}, sources=sources_of(inputs) or {})
                    mine.append(draft)
                self._draft_of[root] = draft
            drafts += mine
        return drafts

    def _inputs(self, root: PathOption) -> tuple[RepresentationInput, ...]:
        if root.step is not PathStep.HOP:
            return ()
        return (input_of(self._graph, root, self._costing.inputs[root], self._fetched),)

    def _parts(self, draft: _Draft) -> list[_Draft]:
        """The draft, or several where objects entered as one type must not be asked for the same."""
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
            draft.asked = tuple(parts[0][1])
            return [draft]
        return [draft.part(entered, tuple(asked)) for entered, asked in parts]

    def _asked(self, draft: _Draft, entered: EntityType) -> InterfaceObjectSelection | None:
        """What is asked of objects entered as an interface object."""
        subgraph = next(iter(draft.inputs)).subgraph
        if not self._graph.is_interface_object(subgraph, entered[0]):
            return None
        inputs = chain(*(inputs for root, inputs in draft.inputs.items() if _entered(root) == entered))
        given = frozenset.intersection(*(frozenset(path[0] for path, _ in entry.keys) for entry in inputs))
        return selection_of(self._graph, subgraph, entered, draft.entities[entered].freeze(), given)

    def _builder(self, place: PathOption, guards: Guards) -> TreeBuilder:
        key = (place, guards)
        known = self._builders.get(key)
        if known is None:
            known = self._builders[key] = self._new_builder(place, guards)
        return known

    def _new_builder(self, place: PathOption, guards: Guards) -> TreeBuilder:
        position = place.node
        if place.is_root:
            draft = self._draft_of[place]
            if place.step is PathStep.HOP:
                return draft.entities.setdefault(_entered(place), TreeBuilder(self._is_abstract(place)))
            return draft.builder
        assert place.parent is not None  # noqa: S101 - only roots have none
        above = self._builder(place.parent, guards)
        if place.step is PathStep.DEFER:
            return above
        if place.step is PathStep.CAST:
            is_narrower = self._graph.is_abstract_in(place.subgraph, place.parent.type_name)
            return above.fragment(place.type_name) if is_narrower else above
        assert position.selection is not None  # noqa: S101 - every field step comes from a selection
        own = guards if position.helper_depth else position.guards
        selection = _with_contexts(position.selection, place.parent)
        return above.composite(selection, own, is_abstract=self._is_abstract(place))

    def _is_abstract(self, place: PathOption) -> bool:
        """Whether to ask for the type; an interface object answers with the interface, until somebody knows better."""
        if place.step is PathStep.HOP and self._graph.is_interface_object(place.subgraph, place.type_name):
            return False
        is_abstract_here = self._graph.is_abstract_in(place.subgraph, place.type_name)
        return is_abstract_here or self._graph.is_abstract(place.node.type_name)

    def _group(self, draft: _Draft) -> FetchGroup:
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
            asked=draft.asked,
        )

    def _sources(self, root: PathOption) -> list[PathOption]:
        if root.step is PathStep.REENTER:
            assert root.parent is not None  # noqa: S101 - the place it re-enters from
            return [root_of(root.parent)]
        return [root_of(at) for _, at in self._costing.inputs.get(root, ())]

    def _select_typename(self, root: PathOption) -> None:
        """Representations name the type of their object: have it fetched where their other fields are."""
        inputs = self._costing.inputs.get(root, ())
        pending: list[PathOption] = []
        for leaf, at in inputs:
            if is_below(leaf.node, root.node):
                pending.append(at)
            else:
                self._add_typename(at, root)
        while pending:
            place = pending.pop()
            if place.node is root.node:
                if place.step is not PathStep.CAST:
                    self._add_typename(place, root)
            elif place.parent is not None:
                pending.append(place.parent)
            else:
                pending += [at for _, at in self._costing.inputs[place]]

    def _add_typename(self, place: PathOption, root: PathOption) -> None:
        for guards in weakest(self._fetched.usages[root]):
            self._builder(place, guards).typename(guards)


def _entered(root: PathOption) -> EntityType:
    return root.type_name, root.node.type_name


def _with_contexts(selection: MergedField, place: PathOption) -> MergedField:
    """The selection with the arguments its place fills from ancestors."""
    if not place.contexts or selection.name != place.purpose:
        return selection
    return replace(selection, arguments=(*selection.arguments, *(value.argument for value in place.contexts)))
