"""The search finds the fewest fetches, and collects the ties."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.planner.choose import combination_search
from router.planner.choose.combination_search import CombinationSearch
from router.planner.search_bounds import OUT_OF_WORK, Bounds, Effort
from tests.router.planner.federation import composed
from tests.router.planner.walk.walking import Walk, text_of

if TYPE_CHECKING:
    import pytest

    from router.planner.walk.nodes_and_options import PathOption

A = "type Query { box: Box @shareable } type Box @shareable { size: Int name: String }"
B = "type Query { box: Box @shareable } type Box @shareable { size: Int name: String colour: Int }"
C = "type Query { box: Box @shareable } type Box @shareable { size: Int weight: Int }"


def sets_of(query: str, **subgraphs: str) -> list[tuple[PathOption, ...]]:
    return list(dict.fromkeys(leaf.options for leaf in Walk.on(composed(**subgraphs), query).leaves))


def chosen(search: CombinationSearch, sets: list[tuple[PathOption, ...]]) -> list[str]:
    return [text_of(options[index]) for options, index in zip(sets, search.run(), strict=True)]


def test_leaves_that_one_fetch_can_return_share_it() -> None:
    sets = sets_of("{ box { size name colour } }", a=A, b=B, c=C)
    search = CombinationSearch(sets, Effort(Bounds()))
    assert chosen(search, sets) == ["b.box"] * 3
    assert search.ties == []


def test_choices_with_equal_fetches_are_ties() -> None:
    sets = sets_of("{ box { size name } }", a=A, b=B, c=C)
    search = CombinationSearch(sets, Effort(Bounds()))
    first = chosen(search, sets)
    assert first == ["a.box"] * 2
    assert [[text_of(options[index]) for options, index in zip(sets, tie, strict=True)] for tie in search.ties] == [
        ["b.box"] * 2
    ]


def test_without_work_the_greedy_choice_stays_and_the_plan_gets_a_hint() -> None:
    sets = sets_of("{ box { size name } }", a=A, b=B, c=C)
    effort = Effort(Bounds(work=0))
    search = CombinationSearch(sets, effort)
    assert chosen(search, sets) == ["a.box"] * 2
    assert list(effort.hints) == [OUT_OF_WORK]
    assert search.ties == []


def test_many_combinations_are_searched_by_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(combination_search, "EXHAUSTIVE_COMBINATIONS", 1)
    sets = sets_of("{ box { size name colour weight } }", a=A, b=B, c=C)
    search = CombinationSearch(sets, Effort(Bounds()))
    assert not search.is_exhaustive
    found = chosen(search, sets)
    assert set(found) == {"b.box", "c.box"}
    assert found[1:] == ["b.box", "b.box", "c.box"]


def test_the_tied_neighbours_of_an_assignment_have_equal_fetches() -> None:
    sets = sets_of("{ box { size name } }", a=A, b=B, c=C)
    search = CombinationSearch(sets, Effort(Bounds()))
    best = search.run()
    rank = search.fetches_of(best).rank
    neighbours = list(search.tied_neighbours(best))
    assert neighbours
    assert all(search.fetches_of(neighbour).rank == rank for neighbour in neighbours)


def test_a_leaf_is_read_in_the_earliest_fetch_that_has_it() -> None:
    a = 'type Query { item: Item } type Item @key(fields: "id") { id: ID! @shareable note: String @shareable }'
    b = 'type Query { item2: Item } type Item @key(fields: "id") { id: ID! note: String @shareable price: Int }'
    sets = sets_of("{ item { price } item2 { note } }", a=a, b=b)
    search = CombinationSearch(sets, Effort(Bounds()))
    best = search.run()
    assert search.earliest(best) == best
