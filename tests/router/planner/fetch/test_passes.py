"""Each optimisation pass: what it changes, and what it leaves exactly as it is.

Covers `router/planner/fetch/passes/__init__.py`, `router/planner/fetch/passes/drop_implied_dependencies.py`,
`router/planner/fetch/passes/merge_fetches_for_same_objects.py` and
`router/planner/fetch/passes/use_earlier_interface_object_fetches.py`.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from router.plan import InputField, Key, TypeIs
from router.planner.fetch.fetch_groups import FetchedObjects, FetchGroup, RepresentationInput
from router.planner.fetch.interface_object_fetch_sharing import HarmfulField, InterfaceObjectSelection
from router.planner.fetch.passes import optimised
from router.planner.fetch.passes.drop_implied_dependencies import drop_implied_dependencies
from router.planner.fetch.passes.merge_fetches_for_same_objects import merge_fetches_for_same_objects
from router.planner.fetch.passes.use_earlier_interface_object_fetches import use_earlier_interface_object_fetches
from router.planner.fetch.selection_trees import Tree, TreeField
from router.planner.normalise.skip_and_include_guards import ALWAYS, Guards

X: Guards = frozenset({("x", True)})


def tree(*names: str, guards: Guards = ALWAYS) -> Tree:
    return Tree(tuple(TreeField(name, name, name, (), guards) for name in names))


def key_input(name: str, *usages: Guards, source: str | None = None) -> RepresentationInput:
    guards = usages or (ALWAYS,)
    return RepresentationInput("T", (InputField(name),), guards, (((name,), source or name),), (((name,), guards),))


def entity(
    number: int, after: set[int], *inputs: RepresentationInput, name: str = "f", subgraph: str = "b"
) -> FetchGroup:
    return FetchGroup(number, subgraph, (), ("t",), tree(name), frozenset(after), inputs)


ROOT = FetchGroup(0, "a", (), (), tree("t"), frozenset())


def test_a_wait_that_another_wait_implies_is_dropped() -> None:
    groups = (ROOT, entity(1, {0}, key_input("id")), entity(2, {0, 1}, key_input("id"), subgraph="c"))
    assert [group.after for group in drop_implied_dependencies(groups)] == [frozenset(), frozenset({0}), frozenset({1})]


def test_needed_waits_leave_the_groups_as_they_are() -> None:
    groups = (ROOT, entity(1, {0}, key_input("id")))
    assert drop_implied_dependencies(groups) is groups


def test_fetches_for_the_same_objects_merge_and_wait_for_both() -> None:
    dims = FetchGroup(1, "dims", (), (), tree("w"), frozenset())
    groups = (ROOT, dims, entity(2, {0}, key_input("id"), name="f"), entity(3, {1}, key_input("id"), name="g"))
    merged = optimised(groups)
    assert [group.after for group in merged] == [frozenset(), frozenset(), frozenset({0, 1})]
    assert [entry.name for entry in merged[2].tree.fields] == ["f", "g"]


def test_fetches_are_not_merged_if_one_type_would_get_the_non_null_field_of_another() -> None:
    rating = HarmfulField((), (), "rating", ALWAYS)
    book = InterfaceObjectSelection("Media", frozenset({"Book"}), frozenset(), frozenset({()}), frozenset())
    film = InterfaceObjectSelection("Media", frozenset({"Film"}), frozenset(), frozenset({()}), frozenset({rating}))
    first, second = entity(1, {0}, key_input("id"), name="f"), entity(2, {0}, key_input("id"), name="g")
    apart = (ROOT, replace(first, interface_objects=(book,)), replace(second, interface_objects=(film,)))
    assert merge_fetches_for_same_objects(apart) is apart
    (_, merged) = merge_fetches_for_same_objects(
        (ROOT, replace(first, interface_objects=(film,)), replace(second, interface_objects=(film,)))
    )
    assert merged.interface_objects == (film,)


def test_a_fetch_does_not_merge_into_one_that_waits_for_it() -> None:
    groups = (ROOT, entity(1, {0}, key_input("id")), entity(2, {1}, key_input("id"), name="g"))
    assert merge_fetches_for_same_objects(groups) is groups


def test_merging_never_lengthens_the_longest_chain() -> None:
    groups = (
        ROOT,
        entity(1, {0}, key_input("id"), name="f"),
        entity(2, {1}, key_input("id"), subgraph="c"),
        entity(3, {2}, key_input("id"), subgraph="d"),
        FetchGroup(4, "e", (), ("u",), tree("h"), frozenset({0}), (key_input("id"),)),
        entity(5, {4}, key_input("id"), name="g"),
    )
    assert merge_fetches_for_same_objects(groups) is groups


def test_different_values_under_one_key_of_a_representation_keep_fetches_apart() -> None:
    groups = (
        ROOT,
        entity(1, {0}, key_input("price", source="price"), name="f"),
        entity(2, {0}, key_input("price", source="price__alias_0"), name="g"),
    )
    assert merge_fetches_for_same_objects(groups) is groups


def test_a_fetch_that_needs_a_value_under_a_condition_merges_with_an_unconditional_one() -> None:
    conditional = (key_input("id", X), key_input("price", X))
    groups = (ROOT, entity(1, {0}, *conditional, name="f"), entity(2, {0}, key_input("id"), name="g"))
    merged = merge_fetches_for_same_objects(groups)
    assert merged[1].inputs == (*conditional, key_input("id"))
    assert [entry.name for entry in merged[1].tree.fields] == ["f", "g"]


def test_a_conditional_use_of_what_is_fetched_anyway_merges() -> None:
    groups = (ROOT, entity(1, {0}, key_input("id", X), name="f"), entity(2, {0}, key_input("id"), name="g"))
    assert len(merge_fetches_for_same_objects(groups)) == 2


def test_each_kind_of_objects_merges_by_itself_and_what_follows_waits_for_the_merged_fetch() -> None:
    groups: list[FetchGroup] = [ROOT]
    for number in range(1, 300, 4):
        track = (f"t{number}",)
        first = FetchGroup(number, "b", (), track, tree("f"), frozenset({0}), (key_input("id"),))
        dims = FetchGroup(number + 1, "dims", (), track, tree("w"), frozenset({0}), (key_input("id"),))
        second = FetchGroup(number + 2, "b", (), track, tree("g"), frozenset({number + 1}), (key_input("id"),))
        last = FetchGroup(number + 3, "c", (), track, tree("h"), frozenset({number + 2}), (key_input("id"),))
        groups += [first, dims, second, last]
    merged = optimised(tuple(groups))
    assert len(merged) == 1 + 3 * 75
    by_number = {group.number: group for group in merged}
    assert all(by_number[number].after == {number + 1} for number in range(1, 300, 4))
    assert all(by_number[number + 3].after == {number} for number in range(1, 300, 4))


# `media { best { id } }` from the root, the type from another subgraph, `best { id }` again for films, and a fetch for
# the object under `best`.
MEDIA, ANY, FILM = (Key("media"),), (frozenset[str](), frozenset[str]()), (frozenset[str](), frozenset({"Film"}))


def best(guards: Guards = ALWAYS) -> Tree:
    return Tree((TreeField("best", "best", "best", (), guards, tree("id", guards=guards)),))


def again(earlier: Tree, *, after: int = 1) -> tuple[FetchGroup, FetchGroup]:
    """The fetch at the root, and the fetch for films."""
    root = FetchGroup(0, "x", (), (), Tree((TreeField("media", "media", "media", (), ALWAYS, earlier),)), frozenset())
    film = InterfaceObjectSelection("Media", frozenset({"Film"}), frozenset(), frozenset({()}), frozenset())
    later = replace(
        FetchGroup(2, "x", MEDIA, ("media",), Tree(fragments=(("Media", best()),)), frozenset({after})),
        inputs=(key_input("id"),),
        interface_objects=(film,),
        objects=(FetchedObjects("Media", FILM),),
    )
    return replace(root, objects=(FetchedObjects("Query", (frozenset(),)),)), later


TYPES = FetchGroup(1, "y", MEDIA, ("media",), tree("id"), frozenset({0}), (key_input("id"),))
BELOW = FetchGroup(3, "z", (*MEDIA, Key("best")), ("media", "best"), tree("text"), frozenset({2}), (key_input("id"),))


def test_what_an_earlier_fetch_of_an_interface_object_returned_is_not_fetched_again() -> None:
    root, later = again(best())
    changed = use_earlier_interface_object_fetches((root, TYPES, later, BELOW))
    assert {group.number: group.after for group in changed} == {0: frozenset(), 1: frozenset({0}), 3: frozenset({0})}


def test_a_fetch_below_a_type_condition_still_waits_for_the_types() -> None:
    root, later = again(best())
    path = (*MEDIA, TypeIs(("Film",)), Key("best"))
    changed = use_earlier_interface_object_fetches((root, TYPES, later, replace(BELOW, path=path)))
    assert changed[-1].after == {0, 1}


def test_a_later_fetch_with_further_fields_stays() -> None:
    root, later = again(best())
    wider = replace(later, tree=Tree(fragments=(("Media", Tree((*best().fields, *tree("stars").fields))),)))
    changed = use_earlier_interface_object_fetches((root, TYPES, wider, BELOW))
    assert {group.number: group.after for group in changed}[3] == {0}
    assert wider in changed


@pytest.mark.parametrize("earlier", [best(X), tree("best"), Tree(fragments=(("Book", best()),)), tree("stars")])
def test_an_earlier_fetch_without_all_the_fields_is_of_no_use(earlier: Tree) -> None:
    root, later = again(earlier)
    groups = (root, TYPES, later, BELOW)
    assert use_earlier_interface_object_fetches(groups) is groups


def test_a_fetch_for_objects_of_other_types_is_of_no_use() -> None:
    _, later = again(best())
    book = replace(
        later, number=0, after=frozenset(), objects=(FetchedObjects("Media", (frozenset(), frozenset({"Book"}))),)
    )
    groups = (book, TYPES, later, BELOW)
    assert use_earlier_interface_object_fetches(groups) is groups
    media = replace(book, objects=(FetchedObjects("Media", ANY),))
    assert later not in use_earlier_interface_object_fetches((media, TYPES, later, BELOW))


def test_a_fetch_is_of_no_use_to_one_that_it_waits_for() -> None:
    root, later = again(best())
    waiting = replace(root, after=frozenset({2}))
    groups = (replace(TYPES, after=frozenset()), later, BELOW, waiting)
    assert use_earlier_interface_object_fetches(groups) is groups
