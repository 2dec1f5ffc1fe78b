"""Operations without literals are remembered, up to limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from graphql import parse

from router.get_operation import get_operation
from router.usage import normalised_operations
from router.usage.normalised_operations import NormalisedOperations
from tests.router.usage.recording import SCHEMA

if TYPE_CHECKING:
    from router.usage.usage_data import RecordedOperation


def normalise(known: NormalisedOperations, number: int) -> RecordedOperation:
    operation = get_operation(SCHEMA, parse(f'query Book {{ book(id: "{number}") {{ title }} }}'))
    return known.normalise((str(number), "Book"), operation)


def test_operations_that_differ_in_literals_are_one() -> None:
    known = NormalisedOperations()
    first, second = normalise(known, 1), normalise(known, 2)
    assert first == second
    assert (first.name, first.kind, first.text) == (
        "Book",
        "query",
        'query Book {\n  book(id: "") {\n    title\n  }\n}',
    )
    assert "Query.book(id:)" in first.coordinates
    assert normalise(known, 1) is first


@pytest.mark.parametrize(("limit", "value"), [("MAX_OPERATIONS", 3), ("MAX_BYTES", 150)])
def test_what_is_remembered_is_bounded(limit: str, value: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(normalised_operations, limit, value)
    known = NormalisedOperations()
    sizes = []
    for number in range(10):
        normalise(known, number)
        sizes.append(len(known))
    assert max(sizes) == 3
    known.clear()
    assert len(known) == 0
