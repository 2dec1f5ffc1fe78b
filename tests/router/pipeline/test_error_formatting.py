from __future__ import annotations

import re

from router.errors import ResponseError
from router.pipeline.error_formatting import codes_of, error_entry, new_error_id


def test_an_entry_has_what_is_known_of_the_error() -> None:
    assert error_entry(ResponseError(message="m")) == {"message": "m"}
    full = ResponseError(message="m", code="C", path=("a", 0), locations=((1, 2),), extensions={"x": 1}, detail="d")
    assert error_entry(full) == {
        "message": "m",
        "locations": [{"line": 1, "column": 2}],
        "path": ["a", 0],
        "extensions": {"code": "C", "x": 1},
    }


def test_locations_in_a_subgraphs_document_are_left_out() -> None:
    assert error_entry(ResponseError(message="m", origin="a", locations=((1, 2),))) == {"message": "m"}


def test_codes_are_named_once_and_only_if_they_are_strings() -> None:
    codes = ["A", "B", "A", 7, None]
    assert codes_of([{"extensions": {"code": code}} for code in codes] + [{}]) == ("A", "B")


def test_ids_differ_and_can_be_searched_for() -> None:
    first, second = new_error_id(), new_error_id()
    assert first != second
    assert re.fullmatch(r"err_[0-9a-f]{16}", first)
