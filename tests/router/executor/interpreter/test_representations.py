"""A representation has the fields that the `requires` of a fetch selects for the object's type."""

from __future__ import annotations

import pytest
from graphql import build_schema

from router.executor.errors.recorded_error_paths import RecordedErrorPaths
from router.executor.interpreter.objects_at_path import ResponsePlace
from router.executor.interpreter.representations import Projection
from router.plan import Fetch, InputField, InputFragment

SCHEMA = build_schema("""
  type Query { t: T }
  type T { id: ID! size: Int! price: Int tags: [String!] parts: [P!] lists: [[P]!] }
  type P { x: ID! }
""")
IF_X = ((("x", True),),)
IF_X_OR_NOT_Y = ((("x", True),), (("y", False),))


def alternative(*names: str, conditions: tuple[tuple[tuple[str, bool], ...], ...] = ()) -> InputFragment:
    return InputFragment("T", tuple(InputField(name) for name in ("__typename", *names)), conditions)


def represented(*alternatives: InputFragment, variables: dict[str, object], **fields: object) -> list[object]:
    place = ResponsePlace(("t",), {"__typename": "T", "id": "1", **fields})
    fetch = Fetch(1, "b", "", "query", requires=alternatives)
    return list(Projection(SCHEMA, RecordedErrorPaths(), variables).represent(fetch, [place]).values)


ID = {"__typename": "T", "id": "1"}


@pytest.mark.parametrize(
    ("conditions", "variables", "expected"),
    [
        pytest.param(IF_X, {"x": True}, [ID | {"size": 3}], id="its condition holds"),
        pytest.param(IF_X, {"x": False}, [ID], id="it does not"),
        pytest.param(IF_X, {}, [ID], id="its variable is not set"),
        pytest.param(IF_X_OR_NOT_Y, {"x": False, "y": False}, [ID | {"size": 3}], id="one of several conditions holds"),
        pytest.param(IF_X_OR_NOT_Y, {"x": False, "y": True}, [ID], id="none of them does"),
    ],
)
def test_an_alternative_is_projected_when_its_conditions_hold(
    conditions: tuple[tuple[tuple[str, bool], ...], ...], variables: dict[str, object], expected: list[object]
) -> None:
    alternatives = alternative("id"), alternative("id", "size", conditions=conditions)
    assert represented(*alternatives, variables=variables, size=3) == expected


def test_a_value_that_is_not_needed_can_be_absent() -> None:
    alternatives = alternative("id"), alternative("id", "size", conditions=IF_X)
    assert represented(*alternatives, variables={"x": False}) == [ID]
    assert represented(*alternatives, variables={"x": True}) == []


def test_an_object_without_a_needed_alternative_is_not_sent() -> None:
    assert represented(alternative("id", conditions=IF_X), variables={"x": False}) == []


X = (InputField("x"),)


@pytest.mark.parametrize(
    ("needed", "fields", "missed"),
    [
        (InputField("size"), {"size": None}, ("t", "size")),
        (InputField("size"), {}, ("t", "size")),
        (InputField("tags"), {"tags": ["a", None]}, ("t", "tags")),
        (InputField("parts", X), {"parts": [{"x": "1"}, None]}, ("t", "parts", 1)),
        (InputField("parts", X), {"parts": [{"x": "1"}, {"x": None}]}, ("t", "parts", 1, "x")),
        (InputField("parts", X), {"parts": [{}]}, ("t", "parts", 0, "x")),
        (InputField("parts", X), {"parts": ["1"]}, ("t", "parts", 0)),
        (InputField("lists", X), {"lists": [[None], None]}, ("t", "lists", 1)),
        (InputField("size__alias_0"), {"size__alias_0": None}, ("t", "size__alias_0")),
    ],
)
def test_a_null_of_a_non_null_type_is_unknown(needed: InputField, fields: dict[str, object], missed: object) -> None:
    """Was: left out without an error. Nulls in lists were sent."""
    place = ResponsePlace(("t",), {"__typename": "T", **fields})
    projection = Projection(SCHEMA, RecordedErrorPaths(), {}, names={"size__alias_0": "size"})
    represented = projection.represent(Fetch(1, "b", "", "query", requires=(InputFragment("T", (needed,)),)), [place])
    assert (represented.values, represented.unknown, projection.missed) == ([], [place], [missed])


def test_a_null_of_a_nullable_type_is_sent() -> None:
    fields = {"tags": None, "parts": None, "lists": [[None]], "price": None}
    needed = (*map(InputField, ("tags", "price")), InputField("parts", X), InputField("lists", X))
    place = ResponsePlace(("t",), {"__typename": "T", **fields})
    fetch = Fetch(1, "b", "", "query", requires=(InputFragment("T", needed),))
    assert Projection(SCHEMA, RecordedErrorPaths(), {}).represent(fetch, [place]).values == [fields]
