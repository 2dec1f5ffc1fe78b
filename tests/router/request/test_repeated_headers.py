from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from router.request.repeated_headers import RepeatedHeaders, computed_once

if TYPE_CHECKING:
    from collections.abc import Mapping

HEADERS = {"x-a": "1"}


class Counting:
    """Functions that note their calls."""

    def __init__(self) -> None:
        self.calls: list[Mapping[str, str]] = []

    def names(self, headers: Mapping[str, str]) -> list[str] | None:
        self.calls.append(headers)
        return list(headers) or None

    def refuse(self, headers: Mapping[str, str]) -> None:
        self.calls.append(headers)
        raise ValueError("refused")


def test_a_result_is_kept_with_repeated_headers() -> None:
    counting, headers = Counting(), RepeatedHeaders(HEADERS)
    first = computed_once(counting.names, headers)
    assert computed_once(counting.names, headers) is first
    assert (first, counting.calls) == (["x-a"], [HEADERS])


def test_none_is_a_result() -> None:
    counting, headers = Counting(), RepeatedHeaders({})
    assert [computed_once(counting.names, headers) for _ in range(2)] == [None, None]
    assert len(counting.calls) == 1


def test_each_object_has_its_own_results() -> None:
    one, other, headers = Counting(), Counting(), RepeatedHeaders(HEADERS)
    assert computed_once(one.names, headers) is not computed_once(other.names, headers)


@pytest.mark.parametrize("headers", [HEADERS, {**RepeatedHeaders(HEADERS)}, RepeatedHeaders(HEADERS).copy()])
def test_other_headers_and_copies_keep_nothing(headers: dict[str, str]) -> None:
    counting = Counting()
    assert computed_once(counting.names, headers) is not computed_once(counting.names, headers)


def test_an_exception_is_raised_each_time() -> None:
    counting, headers = Counting(), RepeatedHeaders(HEADERS)
    for _ in range(2):
        with pytest.raises(ValueError, match="refused"):
            computed_once(counting.refuse, headers)
    assert len(counting.calls) == 2
