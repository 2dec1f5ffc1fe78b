from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from router.executor.interpreter.objects_at_path import ancestor, collect
from router.plan import Each, Key, Parent, TypeIs

if TYPE_CHECKING:
    from router.errors import ResponsePath
    from router.plan import Path

TREE: dict[str, object] = {
    "me": {"__typename": "User", "best": {"__typename": "Admin"}, "none": None},
    "users": [{"__typename": "User"}, None, {"__typename": "Admin"}],
    "grid": [[{"a": 1}, {"a": 2}], None, [{"a": 3}]],
    "count": 3,
}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ((), [()]),
        ((Key("me"),), [("me",)]),
        ((Key("me"), Key("best")), [("me", "best")]),
        ((Key("me"), Key("none")), []),
        ((Key("absent"), Key("best")), []),
        ((Key("count"),), []),
        ((Key("users"), Each()), [("users", 0), ("users", 2)]),
        ((Key("users"), Each(), TypeIs(("Admin",))), [("users", 2)]),
        ((Key("users"), Each(), TypeIs(("Admin", "User"))), [("users", 0), ("users", 2)]),
        ((Key("grid"), Each(), Each()), [("grid", 0, 0), ("grid", 0, 1), ("grid", 2, 0)]),
        ((Key("me"), Each()), []),
    ],
)
def test_the_objects_at_a_path_in_the_order_of_the_response(path: Path, expected: list[ResponsePath]) -> None:
    assert [place.path for place in collect(TREE, path)] == expected


def test_a_place_holds_the_object_of_the_tree_itself() -> None:
    (place,) = collect(TREE, (Key("me"),))
    assert place.object is TREE["me"]


def test_a_path_does_not_lead_up() -> None:
    with pytest.raises(ValueError, match="must not lead to a parent"):
        collect(TREE, (Parent(),))


@pytest.mark.parametrize(
    ("path", "above"), [(("me", "best"), ("me",)), (("me",), ()), (("users", 2), ()), (("grid", 0, 1), ())]
)
def test_the_ancestor_is_the_nearest_object_around(path: ResponsePath, above: ResponsePath) -> None:
    assert ancestor(TREE, path).path == above


def test_an_ancestor_can_be_the_item_of_a_list() -> None:
    tree: dict[str, object] = {"users": [[{"best": {}}]]}
    assert ancestor(tree, ("users", 0, 0, "best")).path == ("users", 0, 0)


def test_a_path_that_does_not_fit_the_tree_is_a_mistake() -> None:
    with pytest.raises(TypeError):
        ancestor(TREE, ("count", "a", "b"))
