from __future__ import annotations

import pytest

from benchmarks.race.comparison import Answer, difference

DATA = b'{"data": {"a": [1, {"b": null}], "c": 1.5}}'


def compared(expected: bytes, actual: bytes) -> str:
    return difference(Answer.of(expected), Answer.of(actual))


def test_the_order_of_keys_does_not_count() -> None:
    assert compared(DATA, b'{"extensions": {}, "data": {"c": 1.5, "a": [1, {"b": null}]}}') == ""


def test_texts_of_errors_do_not_count_but_errors_do() -> None:
    one, two = b'{"data": null, "errors": [{"message": "a"}]}', b'{"data": null, "errors": [{"message": "b"}]}'
    assert compared(one, two) == ""
    assert compared(b'{"data": null}', one) == "has errors"
    assert compared(one, b'{"data": null}') == "has no errors"


@pytest.mark.parametrize(
    ("actual", "found"),
    [
        (b'{"data": {"a": [1, {"b": 0}], "c": 1.5}}', "data.a.1.b is 0, not None"),
        (b'{"data": {"a": [true, {"b": null}], "c": 1.5}}', "data.a.0 is True, not 1"),
        (b'{"data": {"a": [1], "c": 1.5}}', "data.a has 1 items, not 2"),
        (b'{"data": {"a": [1, {}], "c": 1.5}}', "data.a.1 has other fields: ['b']"),
        (b'{"data": null}', "data is None, not {'a': [1, {'b': None}], 'c': 1.5}"),
    ],
)
def test_the_first_difference_is_named(actual: bytes, found: str) -> None:
    assert compared(DATA, actual) == found


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>"])
def test_a_response_that_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"not an object|Expecting value"):
        Answer.of(body)
