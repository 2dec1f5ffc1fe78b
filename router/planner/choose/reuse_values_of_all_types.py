"""Let objects of one type use what a fetch for all types returns, instead of fetching it again.

The subgraph of an interface object resolves a field in the same way for every object type of the interface. So if a
fetch returns the field for all objects of the interface, a further fetch for objects of one type brings nothing new. In
this example, `reviews` has `Media` as an interface object, and `library` knows the types of the objects:

    { media { best { id } ... on Film { best { text } } } }

    reviews {media {id best {id}}}                            reviews {media {id best {id}}}
    library {media {... on Film {id}}} after {reviews}   =>   library {media {... on Film {id}}} after {reviews}
    reviews {media {best {id}}} after {library}               critics {media|[Film].best {text}} after {both}
    critics {media.best {text}} after {the fetch above}

A *use* is a leaf with the option that fetches the leaf, for the client or as an input of a hop (its *user*). The uses
of a fetch for one type are *repeated* if an earlier fetch from the same subgraph returns the same leaf for all types. A
hop whose inputs from the fetch are all repeated waits for the earlier fetch, and for the type of the object. If all
uses of the fetch are repeated, the fetch is not needed.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from router.federation.find_type_name_in_reference import TYPENAME
from router.planner.choose.choice_of_options import Choice
from router.planner.normalise.skip_and_include_guards import weaker
from router.planner.walk.nodes_and_options import PathStep, fetch_start, types_on_path

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence

    from router.planner.choose.choose_hop_inputs import Inputs
    from router.planner.choose.fetches_of_chosen_options import FetchDraft
    from router.planner.graph.query_graph import QueryGraph
    from router.planner.normalise.skip_and_include_guards import Guards
    from router.planner.walk.nodes_and_options import Leaf, ObjectNode, PathOption

# The leaves, and the option that is chosen for each of them.
Chosen: TypeAlias = "tuple[tuple[Leaf, ...], Choice]"


def reusing(
    graph: QueryGraph, typename_leaf: Callable[[ObjectNode], Leaf], leaves: Sequence[Leaf], choice: Choice
) -> Iterator[Chosen]:
    """Yield changed choices in which one of the fetches is not repeated, or some hops do not wait for it.

    `typename_leaf` returns the leaf of an object's `__typename`. A changed choice has such leaves in addition to
    `leaves` if its plan does without the fetch: otherwise, no fetch might return the types of the objects.
    """
    repeating = [
        fetch
        for fetch in choice.chosen_fetches.fetches.values()
        if all(_is_for_one_type_of_an_interface_object(graph, start) for start in fetch.starts)
    ]
    if not repeating:
        return
    uses = _Uses(leaves, choice)
    for fetch in repeating:
        changed = _Reuse(graph, uses, fetch, typename_leaf).changed(leaves, choice)
        if changed is not None:
            yield changed


def _is_for_one_type_of_an_interface_object(graph: QueryGraph, start: PathOption) -> bool:
    return (
        start.step is PathStep.KEY_HOP
        and start.node.type_condition is not None
        and graph.is_interface_object(start.subgraph, start.type_name)
    )


class _Use(msgspec.Struct, frozen=True):
    """A use of a leaf. `user` is the number of the leaf for the client, or the hop that has the leaf as an input."""

    user: int | PathOption
    leaf: Leaf
    option: PathOption
    guards: Guards

    @property
    def likeness(self) -> Hashable:
        """Equal for uses that fetch the same field of the same object, apart from type conditions."""
        selection = self.leaf.selection
        return self.object, selection.key, selection.signature, selection.directives.text

    @property
    def object(self) -> Hashable:
        """Equal for uses that fetch fields of the same object from the same subgraph, apart from type conditions."""
        return self.option.subgraph, self.option.type_name, self.leaf.node.track


class _Uses:
    """All uses of a choice, by fetch start, and by likeness and object."""

    def __init__(self, leaves: Sequence[Leaf], choice: Choice) -> None:
        self.by_start: dict[PathOption, list[_Use]] = {}
        self.alike: dict[Hashable, list[_Use]] = {}
        usages: dict[PathOption, dict[Guards, None]] = {}
        pending = deque(
            _Use(number, leaf, option, leaf.selection.guards)
            for number, (leaf, option) in enumerate(zip(leaves, choice.options, strict=True))
        )
        while pending:
            use = pending.popleft()
            start = fetch_start(use.option)
            self.by_start.setdefault(start, []).append(use)
            for likeness in (use.object, use.likeness):
                self.alike.setdefault(likeness, []).append(use)
            seen = usages.setdefault(start, {})
            if use.guards not in seen and next(weaker(use.guards, seen), None) is None:
                seen[use.guards] = None
                inputs = choice.chosen_fetches.inputs.get(start, ())
                pending.extend(_Use(start, leaf, option, use.guards) for leaf, option in inputs)


class _Reuse:
    """Finds the repeated uses of one fetch."""

    def __init__(
        self, graph: QueryGraph, uses: _Uses, fetch: FetchDraft, typename_leaf: Callable[[ObjectNode], Leaf]
    ) -> None:
        self._graph = graph
        self._uses = uses
        self._fetch = fetch
        self._typename_leaf = typename_leaf

    def changed(self, leaves: Sequence[Leaf], choice: Choice) -> Chosen | None:
        """Return a choice in which repeated uses come from earlier fetches, with its leaves. None if there are none."""
        earlier: dict[_Use, PathOption | None] = {
            use: self._earlier(use, choice)
            for start in self._fetch.starts
            for use in self._uses.by_start.get(start, ())
        }
        kept = {use.user for use, option in earlier.items() if option is None}
        moved = {use: option for use, option in earlier.items() if option is not None and use.user not in kept}
        if kept:
            moved = {use: option for use, option in moved.items() if not isinstance(use.user, int)}
        types = self._types(moved, choice)
        if not moved or types is None:
            return None
        options, inputs = list(choice.options), dict(choice.chosen_fetches.inputs)
        for use, option in moved.items():
            if isinstance(use.user, int):
                options[use.user] = option
            else:
                inputs[use.user] = _with_input(inputs[use.user], use.leaf, option)
        for user in dict.fromkeys(use.user for use in moved):
            if not isinstance(user, int):
                inputs[user] = (*inputs[user], *types)
        if kept:
            return tuple(leaves), Choice(tuple(options), choice.chosen_fetches).with_inputs(inputs)
        more_leaves = (*leaves, *(leaf for leaf, _ in types))
        more_options = (*options, *(option for _, option in types))
        return more_leaves, Choice(more_options, choice.chosen_fetches).with_inputs(inputs)

    def _earlier(self, use: _Use, choice: Choice) -> PathOption | None:
        """Return the option by which an earlier fetch returns the same leaf for all objects of `use`.

        A fetch that returns an object can always return its `__typename`.
        """
        types = types_on_path(use.leaf.node, self._graph.possible)
        for other in self._uses.alike[use.object if use.leaf.selection.name == TYPENAME else use.likeness]:
            start = fetch_start(other.option)
            fetch = choice.chosen_fetches.fetch_of(start)
            if (
                start not in self._fetch.starts
                and other.guards <= use.guards
                and fetch.stage <= self._fetch.stage
                and not fetch.waits_for(self._fetch)
                and all(map(frozenset.issuperset, types_on_path(other.leaf.node, self._graph.possible), types))
            ):
                return other.option
        return None

    def _types(self, moved: Iterable[_Use], choice: Choice) -> Inputs | None:
        """Return the `__typename` leaves of the objects in `moved`. Return None if no input of the fetch has a type."""
        found: dict[ObjectNode, tuple[Leaf, PathOption]] = {}
        for use in moved:
            start = fetch_start(use.option)
            node = start.node.parent
            option = self._option_that_knows_the_type(start, choice)
            if node is None or option is None:
                return None
            if node not in found:
                found[node] = self._typename_leaf(node), option
        return tuple(found.values())

    def _option_that_knows_the_type(self, start: PathOption, choice: Choice) -> PathOption | None:
        """Return the option by which the inputs of a hop for one type get the type of the object."""
        inputs = choice.chosen_fetches.inputs
        at: PathOption | None = start
        while at is not None:
            at = inputs[at][0][1] if at in inputs else at.parent
            if at is not None and at.node is start.node.parent:
                return None if self._graph.is_interface_object(at.subgraph, at.type_name) else at
        return None


def _with_input(inputs: Inputs, leaf: Leaf, option: PathOption) -> Inputs:
    return tuple((each, option if each is leaf else chosen) for each, chosen in inputs)
