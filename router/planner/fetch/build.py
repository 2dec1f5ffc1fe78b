"""From chosen places to fetch groups.

Three passes over the choice: under which guards is every root used (a key is fetched whenever one of the fields behind
it is); which roots share a fetch; what does each fetch select.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from router.planner.fetch.groups import FetchGroup, Input, can_share
from router.planner.fetch.inputs import Fetched, input_of, is_below
from router.planner.fetch.trees import TreeBuilder
from router.planner.normalise.guards import Guards, weakest
from router.planner.walk.decisions import root_of
from router.planner.walk.positions import Step

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from router.planner.graph.query_graph import QueryGraph
    from router.planner.normalise.selections import Selection
    from router.planner.walk.activation import Activation, FetchSeed
    from router.planner.walk.positions import Leaf, Place, Position

# A leaf, the place it is fetched at, and the guards it is fetched under.
Use: TypeAlias = "tuple[Leaf, Place, Guards]"


@dataclass(eq=False, slots=True)
class _Draft:
    """A group while its roots are gathered."""

    number: int
    seed: FetchSeed
    roots: list[Place]
    inputs: list[Input] = field(default_factory=list)
    builder: TreeBuilder = field(default_factory=TreeBuilder)


class GroupBuilder:
    """Builds the groups of one choice."""

    def __init__(self, graph: QueryGraph, activation: Activation, presence: Callable[[Position], Leaf]) -> None:
        self._graph = graph
        self._activation = activation
        self._presence = presence
        self._fetched = Fetched()
        self._uses: list[Use] = []
        self._draft_of: dict[Place, _Draft] = {}
        self._builders: dict[tuple[Place, Guards], TreeBuilder] = {}

    def build(self, chosen: Sequence[tuple[Leaf, Place]]) -> tuple[FetchGroup, ...]:
        """The groups, each after those it waits for."""
        for leaf, place in chosen:
            self._use(leaf, place, leaf.selection.guards)
        drafts = self._drafts()
        for leaf, place, guards in self._uses:
            self._builder(place, guards).leaf(_with_contexts(leaf.selection, place), guards)
        for root in self._draft_of:
            self._select_typename(root)
        return tuple(self._group(draft) for draft in drafts)

    def _use(self, leaf: Leaf, place: Place, guards: Guards) -> None:
        pending = [(leaf, place)]
        while pending:
            using, at = pending.pop(0)
            self._uses.append((using, at, guards))
            self._fetched.leaf(using, at).append(guards)
            root = root_of(at)
            usages = self._fetched.usages.setdefault(root, [])
            if any(usage <= guards for usage in usages):
                continue
            usages.append(guards)
            if root.step is Step.REENTER:
                assert root.parent is not None  # noqa: S101 - the place it re-enters from
                pending.append((self._presence(root.parent.position), root.parent))
            pending += self._activation.inputs.get(root, ())

    def _drafts(self) -> list[_Draft]:
        drafts: list[_Draft] = []
        for seed in self._activation.seeds.values():
            mine: list[_Draft] = []
            for root in seed.roots:
                if root not in self._fetched.usages:
                    continue
                inputs = self._inputs(root)
                draft = next((draft for draft in mine if can_share([*draft.inputs, *inputs])), None)
                if draft is None:
                    draft = _Draft(len(drafts) + len(mine), seed, [])
                    mine.append(draft)
                draft.roots.append(root)
                draft.inputs += inputs
                self._draft_of[root] = draft
            drafts += mine
        return drafts

    def _inputs(self, root: Place) -> list[Input]:
        if root.step is not Step.HOP:
            return []
        return [input_of(self._graph, root, self._activation.inputs[root], self._fetched)]

    def _builder(self, place: Place, guards: Guards) -> TreeBuilder:
        key = (place, guards)
        known = self._builders.get(key)
        if known is None:
            known = self._builders[key] = self._new_builder(place, guards)
        return known

    def _new_builder(self, place: Place, guards: Guards) -> TreeBuilder:
        position = place.position
        if place.is_root:
            builder = self._draft_of[place].builder
            if place.step is Step.HOP:
                abstract = self._is_abstract(place)
                return builder.fragment(place.type_name, is_abstract=abstract)
            return builder
        assert place.parent is not None  # noqa: S101 - only roots have none
        above = self._builder(place.parent, guards)
        if place.step is Step.DEFER:
            return above
        if place.step is Step.CAST:
            is_narrower = self._graph.is_abstract_in(place.subgraph, place.parent.type_name)
            return above.fragment(place.type_name) if is_narrower else above
        assert position.selection is not None  # noqa: S101 - every field step comes from a selection
        own = guards if position.helper_depth else position.guards
        selection = _with_contexts(position.selection, place.parent)
        return above.composite(selection, own, is_abstract=self._is_abstract(place))

    def _is_abstract(self, place: Place) -> bool:
        """Whether to ask for the type; an interface object answers with the interface, until somebody knows better."""
        if place.step is Step.HOP and self._graph.is_interface_object(place.subgraph, place.type_name):
            return False
        is_abstract_here = self._graph.is_abstract_in(place.subgraph, place.type_name)
        return is_abstract_here or self._graph.is_abstract(place.position.type_name)

    def _group(self, draft: _Draft) -> FetchGroup:
        root = draft.roots[0]
        after = {self._draft_of[at].number for root in draft.roots for at in self._sources(root)}
        return FetchGroup(
            number=draft.number,
            subgraph=root.subgraph,
            path=root.position.path,
            track=root.position.track,
            block=root.position.block,
            tree=draft.builder.freeze(),
            after=frozenset(after),
            inputs=tuple(draft.inputs),
            contexts=tuple(dict.fromkeys(value for root in draft.roots for value in root.contexts)),
        )

    def _sources(self, root: Place) -> list[Place]:
        if root.step is Step.REENTER:
            assert root.parent is not None  # noqa: S101 - the place it re-enters from
            return [root_of(root.parent)]
        return [root_of(at) for _, at in self._activation.inputs.get(root, ())]

    def _select_typename(self, root: Place) -> None:
        """Representations name the type of their object: have it fetched where their other fields are."""
        inputs = self._activation.inputs.get(root, ())
        pending: list[Place] = []
        for leaf, at in inputs:
            if is_below(leaf.position, root.position):
                pending.append(at)
            else:
                self._add_typename(at, root)
        while pending:
            place = pending.pop()
            if place.position is root.position:
                if place.step is not Step.CAST:
                    self._add_typename(place, root)
            elif place.parent is not None:
                pending.append(place.parent)
            else:
                pending += [at for _, at in self._activation.inputs[place]]

    def _add_typename(self, place: Place, root: Place) -> None:
        for guards in weakest(self._fetched.usages[root]):
            self._builder(place, guards).typename(guards)


def _with_contexts(selection: Selection, place: Place) -> Selection:
    """The selection with the arguments its place fills from ancestors."""
    if not place.contexts or selection.name != place.purpose:
        return selection
    return replace(selection, arguments=(*selection.arguments, *(value.argument for value in place.contexts)))
