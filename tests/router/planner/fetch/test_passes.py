"""Each optimisation pass: what it changes, and what it leaves exactly as it is.

Covers `router/planner/fetch/passes/__init__.py`, `router/planner/fetch/passes/drop_implied_dependencies.py` and
`router/planner/fetch/passes/merge_fetches_for_same_objects.py`.
"""

from __future__ import annotations

from msgspec.structs import replace

from router.plan import InputField
from router.planner.fetch.entity_fetch_sharing import EntitySelection, HarmfulField
from router.planner.fetch.fetch_groups import FetchGroup, RepresentationInput
from router.planner.fetch.passes import optimised
from router.planner.fetch.passes.drop_implied_dependencies import drop_implied_dependencies
from router.planner.fetch.passes.merge_fetches_for_same_objects import merge_fetches_for_same_objects
from router.planner.fetch.selection_trees import Tree, TreeField
from router.planner.normalise.skip_and_include_guards import ALWAYS, Guards

X: Guards = frozenset({("x", True)})


def tree(*names: str) -> Tree:
    return Tree(tuple(TreeField(name, name, name, (), ALWAYS) for name in names))


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
    media, objects = frozenset({"Book", "Film"}), frozenset({()})
    books, films = frozenset({(frozenset({"Book"}),)}), frozenset({(frozenset({"Film"}),)})
    book = EntitySelection("Media", True, books, media, frozenset(), objects, frozenset())
    film = EntitySelection("Media", True, films, media, frozenset(), objects, frozenset({rating}))
    first, second = entity(1, {0}, key_input("id"), name="f"), entity(2, {0}, key_input("id"), name="g")
    apart = (ROOT, replace(first, selections=(book,)), replace(second, selections=(film,)))
    assert merge_fetches_for_same_objects(apart) is apart
    (_, merged) = merge_fetches_for_same_objects(
        (ROOT, replace(first, selections=(film,)), replace(second, selections=(film,)))
    )
    assert merged.selections == (film,)


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
