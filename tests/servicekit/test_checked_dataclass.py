from __future__ import annotations

from dataclasses import is_dataclass, replace

from servicekit.checked_dataclass import checked_dataclass


@checked_dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    x: int
    y: int = 0


def test_it_is_a_dataclass_that_is_compared_by_its_values() -> None:
    assert is_dataclass(Point)
    assert Point(x=1) == replace(Point(x=2), x=1) != Point(x=1, y=1)
    assert {Point(x=1): "one"}[Point(x=1)] == "one"


def test_its_objects_are_created_without_set_attribute_calls() -> None:
    """`object.__setattr__` for each attribute takes most of the time of a frozen dataclass."""
    assert "__setattr__" not in vars(Point)
    assert "__setattr__" not in Point.__init__.__code__.co_names
