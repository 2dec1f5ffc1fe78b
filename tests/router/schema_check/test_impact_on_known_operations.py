from __future__ import annotations

import pytest
from graphql import build_schema, parse

from router.schema_check.diff.compare_schemas import compare_schemas
from router.schema_check.impact_on_known_operations import find_impact
from router.schema_check.operations.known_operations import KnownOperation

OLD = """
type Query { a: Int b(x: In): Int pet: Pet }
input In { y: Int }
union Pet = Cat | Dog
type Cat { n: Int }
type Dog { n: Int }
"""


def impact(new: str, *operations: str) -> list[tuple[str, list[str]]]:
    """Each broken operation with the ids of the changes that break it."""
    before, after = build_schema(OLD), build_schema(new)
    known = [KnownOperation(text, "test", parse(text)) for text in operations]
    found = find_impact(before, after, compare_schemas(before, after), known)
    return [(each.operation.name, [change.id for change in each.changes]) for each in found.broken]


@pytest.mark.parametrize(
    ("new", "operation", "causes"),
    [
        (OLD.replace("a: Int ", ""), "{ a }", ["FIELD_REMOVED:Query.a"]),
        (OLD.replace("a: Int ", ""), "{ b }", None),
        (OLD.replace("a: Int ", "a: String "), "{ a }", ["FIELD_TYPE_CHANGED:Query.a"]),
        # The operation stays valid, but the variables of its client do not.
        (OLD.replace("y: Int", "y: Int!"), "query ($x: In) { b(x: $x) }", ["INPUT_FIELD_TYPE_CHANGED:In.y"]),
        (OLD.replace("y: Int", "y: Int!"), "{ b }", None),
        (OLD.replace("y: Int", "y: Int!"), "{ b(x: {y: 1}) }", ["INPUT_FIELD_TYPE_CHANGED:In.y"]),
        # A change that is only dangerous breaks exactly the operations that cannot merge two selections.
        (
            OLD.replace("Cat { n: Int", "Cat { n: Int!"),
            "{ pet { ... on Cat { n } ... on Dog { n } } }",
            ["FIELD_TYPE_CHANGED:Cat.n"],
        ),
        (OLD.replace("Cat { n: Int", "Cat { n: Int!"), "{ pet { ... on Cat { n } } }", None),
        # An optional argument is dangerous, but it does not break the operation that another change breaks.
        (OLD.replace("a: Int b(x: In", "b(z: Int, x: In"), "{ a b }", ["FIELD_REMOVED:Query.a"]),
    ],
)
def test_the_operations_that_a_change_breaks(new: str, operation: str, causes: list[str] | None) -> None:
    assert impact(new, operation) == ([] if causes is None else [(operation, causes)])


def test_an_operation_that_was_not_valid_is_not_judged() -> None:
    before, after = build_schema(OLD), build_schema(OLD.replace("a: Int ", ""))
    known = KnownOperation("x", "test", parse("{ a unknown }"))
    found = find_impact(before, after, compare_schemas(before, after), [known])
    assert found.broken == ()
    assert found.invalid_before == (known,)
