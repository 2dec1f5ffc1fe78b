"""The garbage collector of a process that serves requests; `test_server.py` shows that a server sets it up."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

from servicekit import garbage_collection

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def _restored() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


class Node:
    """An object in a reference cycle."""

    def __init__(self) -> None:
        self.itself = self


@pytest.mark.usefixtures("_restored")
def test_garbage_is_freed_and_not_frozen() -> None:
    Node()
    garbage_collection.collect_and_freeze()
    gc.unfreeze()
    assert not any(type(each) is Node for each in gc.get_objects())


@pytest.mark.usefixtures("_restored")
def test_garbage_of_requests_that_run_during_a_collection_is_bounded() -> None:
    garbage_collection.collect_and_freeze()
    young, middle, old = garbage_collection.THRESHOLDS
    at_once, most = 500, 0
    for _ in range(2 * (old + 1)):
        running = [Node() for _ in range(at_once)]
        for _ in range(middle + 1):
            held: list[list[object]] = [[] for _ in range(young + 1)]  # a collection of a young generation begins
            del held
        del running
        most = max(most, sum(type(each) is Node for each in gc.get_objects()))
    assert old // 2 * at_once < most <= (old + 2) * at_once


@pytest.mark.usefixtures("_restored")
def test_objects_of_the_start_are_excluded_from_collections() -> None:
    with garbage_collection.keeping_new_objects():
        assert not gc.isenabled()
        kept = Node()
    assert gc.isenabled()
    assert not any(each is kept for each in gc.get_objects())
    assert gc.get_freeze_count()


@pytest.mark.usefixtures("_restored")
def test_objects_of_a_failed_start_are_not_excluded() -> None:
    kept = []
    with pytest.raises(ValueError, match="wrong"), garbage_collection.keeping_new_objects():  # noqa: PT012
        kept.append(Node())
        raise ValueError("wrong")
    assert gc.isenabled()
    assert any(each is kept[0] for each in gc.get_objects())
