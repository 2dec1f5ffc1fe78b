from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from graphql import build_schema

from router.executor.interpreter.rewrites import apply_rewrites, rename_in_path, rewritten
from router.plan import Each, Key, KeyRenamer, Parent, TypeIs, ValueSetter

if TYPE_CHECKING:
    from router.errors import ResponsePath
    from router.plan import Rewrite

SCHEMA = build_schema("""
  type Query { media: Media }
  interface Media { id: ID }
  type Book implements Media { id: ID }
  type Film implements Media { id: ID }
""")
RENAME = KeyRenamer((Key("users"), Key("name__alias_0")), "name")


@pytest.mark.parametrize(
    ("rewrite", "value", "result"),
    [
        (ValueSetter((Key("__typename"),), "Media"), {"__typename": "Book"}, {"__typename": "Media"}),
        (ValueSetter((Key("__typename"),), "Media"), {"id": 1}, {"id": 1}),
        (
            ValueSetter((TypeIs(("Book",)), Key("__typename")), "Media"),
            [{"__typename": "Book"}, {"__typename": "Film"}],
            [{"__typename": "Media"}, {"__typename": "Film"}],
        ),
        (RENAME, {"users": [{"name__alias_0": 1}, None]}, {"users": [{"name": 1}, None]}),
        (RENAME, {"users": {"name": {"a": 1}, "name__alias_0": {"b": 2}}}, {"users": {"name": {"a": 1, "b": 2}}}),
        (KeyRenamer((Each(), Key("a")), "b"), {"a": 1}, {"b": 1}),
        (RENAME, {"users": 3}, {"users": 3}),
    ],
)
def test_a_rewrite_is_applied_wherever_its_path_exists(rewrite: Rewrite, value: object, result: object) -> None:
    apply_rewrites(SCHEMA, (rewrite,), value)
    assert value == result


def test_rewriting_a_result_does_not_change_the_response() -> None:
    response: dict[str, object] = {"users": {"name__alias_0": 1}}
    assert rewritten(SCHEMA, (RENAME,), response) == {"users": {"name": 1}}
    assert response == {"users": {"name__alias_0": 1}}
    assert rewritten(SCHEMA, (), response) is response


def test_only_context_rewrites_lead_up() -> None:
    with pytest.raises(ValueError, match="can lead to a parent"):
        apply_rewrites(SCHEMA, (ValueSetter((Parent(), Key("a")), "x"),), {})


@pytest.mark.parametrize(
    ("path", "renamed"),
    [
        (("users", 0, "name__alias_0", "first"), ("users", 0, "name", "first")),
        (("users", "name__alias_0"), ("users", "name")),
        (("users", 0), ("users", 0)),
        (("other", "name__alias_0"), ("other", "name__alias_0")),
    ],
)
def test_the_path_of_an_error_is_renamed_too(path: ResponsePath, renamed: ResponsePath) -> None:
    assert rename_in_path((ValueSetter((Key("x"),), "y"), RENAME), path) == renamed
