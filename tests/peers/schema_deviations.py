"""Where `router check` judges a change differently from @graphql-inspector/core on purpose: who is right, and why.

Each row has a pair of schemas, for which a test compares both judgements. The table in `docs/schema-checks.md` has the
same rows; a test holds them equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from router.schema_check.changes import Change, ChangeCode, Severity
from router.schema_check.diff.comparison import UNREACHABLE

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Deviation:
    """A kind of change that both judge differently.

    Attributes:
        change: The kind of change, in words.
        ours: The severity of `router check`.
        theirs: The severity of the inspector.
        their_name: The inspector's name of the change in the example.
        right: Who is right.
        because: Why.
        applies: Whether a change of `router check` is of this kind.
        old: A schema, and
        new: the schema after a change of this kind.
    """

    change: str
    ours: str
    theirs: str
    their_name: str
    right: str
    because: str
    applies: Callable[[Change], bool]
    old: str
    new: str

    def as_table_row(self) -> str:
        """The row of the table in the documentation."""
        return f"| {self.change} | {self.ours} | {self.theirs} | {self.right}: {self.because} |"


def as_table() -> str:
    """The table of the documentation."""
    head = ("| change | here | inspector | who is right, and why |", "|---|---|---|---|")
    return "\n".join((*head, *(row.as_table_row() for row in DEVIATIONS)))


_OURS: Final = "`router check`"
_BOTH: Final = "both"
_BESIDE: Final = "interface I { i: Int } type A implements I { i: Int n: Int } type B implements I { i: Int n: Int } "

DEVIATIONS: Final = (
    Deviation(
        "any change of a type that no operation can reach",
        "safe",
        "breaking",
        "FIELD_REMOVED",
        _OURS,
        "no client can use the element",
        lambda change: change.reason == UNREACHABLE,
        "type Query { a: Int } type Lonely { a: Int b: Int }",
        "type Query { a: Int } type Lonely { a: Int }",
    ),
    Deviation(
        "a field becomes non-null, and another type at the same place has a field of this name",
        "dangerous",
        "safe",
        "FIELD_TYPE_CHANGED",
        _OURS,
        "`... on A { n } ... on B { n }` becomes invalid, because both fields must have the same nullability",
        lambda change: change.code is ChangeCode.FIELD_TYPE_CHANGED and change.severity is Severity.DANGEROUS,
        _BESIDE + "type Query { i: I }",
        _BESIDE.replace("n: Int }", "n: Int! }", 1) + "type Query { i: I }",
    ),
    Deviation(
        "a directive of operations is no longer repeatable",
        "breaking",
        "dangerous",
        "DIRECTIVE_REPEATABLE_REMOVED",
        _OURS,
        "an operation that repeats the directive becomes invalid",
        lambda change: change.code is ChangeCode.DIRECTIVE_REPEATABLE_REMOVED,
        "directive @d repeatable on FIELD type Query { a: Int }",
        "directive @d on FIELD type Query { a: Int }",
    ),
    Deviation(
        "a directive that only schemas can contain is removed, or becomes stricter",
        "safe",
        "breaking",
        "DIRECTIVE_REMOVED",
        _OURS,
        "operations cannot contain the directive",
        lambda change: change.code.startswith("DIRECTIVE_") and change.severity is Severity.SAFE,
        "directive @d on OBJECT type Query { a: Int }",
        "type Query { a: Int }",
    ),
    Deviation(
        "a value of an enum that clients only receive is removed",
        "safe",
        "breaking",
        "ENUM_VALUE_REMOVED",
        _OURS,
        "no client can send the value",
        lambda change: change.code is ChangeCode.ENUM_VALUE_REMOVED and change.severity is Severity.SAFE,
        "enum E { X Y } type Query { e: E }",
        "enum E { X } type Query { e: E }",
    ),
    Deviation(
        "a value of an enum that clients only send is added",
        "safe",
        "dangerous",
        "ENUM_VALUE_ADDED",
        _OURS,
        "no client can receive the value",
        lambda change: change.code is ChangeCode.ENUM_VALUE_ADDED and change.severity is Severity.SAFE,
        "enum E { X } type Query { a(e: E): Int }",
        "enum E { X Y } type Query { a(e: E): Int }",
    ),
    Deviation(
        "a required argument or input field loses its default value",
        "breaking",
        "dangerous",
        "FIELD_ARGUMENT_DEFAULT_CHANGED",
        _OURS,
        "operations that leave it out become invalid",
        lambda change: change.code.endswith("_DEFAULT_CHANGED") and change.severity is Severity.BREAKING,
        "type Query { a(b: Int! = 1): Int }",
        "type Query { a(b: Int!): Int }",
    ),
    Deviation(
        "a new type implements an interface that clients receive",
        "dangerous",
        "safe",
        "OBJECT_TYPE_INTERFACE_ADDED",
        _OURS,
        "a client of the interface can receive objects of a type that it does not know",
        lambda change: change.code is ChangeCode.INTERFACE_ADDED and change.severity is Severity.DANGEROUS,
        "interface I { a: Int } type A implements I { a: Int } type Query { i: I }",
        "interface I { a: Int } type A implements I { a: Int } type B implements I { a: Int } type Query { i: I }",
    ),
    Deviation(
        "a type joins an interface that no client receives",
        "safe",
        "dangerous",
        "OBJECT_TYPE_INTERFACE_ADDED",
        _OURS,
        "no operation selects the interface",
        lambda change: change.code is ChangeCode.INTERFACE_ADDED and change.severity is Severity.SAFE,
        "type A { a: Int } type Query { a: A }",
        "interface I { a: Int } type A implements I { a: Int } type Query { a: A }",
    ),
    Deviation(
        "a scalar or enum type that clients only receive is removed",
        "safe",
        "breaking",
        "TYPE_REMOVED",
        _OURS,
        "operations cannot name such a type. The change of the field that had the type is reported by itself",
        lambda change: change.code is ChangeCode.TYPE_REMOVED and change.severity is Severity.SAFE,
        "scalar S type Query { a: S b: Int }",
        "type Query { b: Int }",
    ),
    Deviation(
        "`@oneOf` is added to an input type",
        "breaking",
        "breaking",
        "DIRECTIVE_USAGE_INPUT_OBJECT_ADDED",
        _BOTH,
        "the inspector reports the directive as a separate change",
        lambda change: change.code is ChangeCode.ONE_OF_ADDED,
        "input I { a: Int b: Int } type Query { a(i: I): Int }",
        "input I @oneOf { a: Int b: Int } type Query { a(i: I): Int }",
    ),
    Deviation(
        "`@oneOf` is removed from an input type",
        "safe",
        "safe",
        "DIRECTIVE_USAGE_INPUT_OBJECT_REMOVED",
        _BOTH,
        "the inspector reports the directive as a separate change",
        lambda change: change.code is ChangeCode.ONE_OF_REMOVED,
        "input I @oneOf { a: Int b: Int } type Query { a(i: I): Int }",
        "input I { a: Int b: Int } type Query { a(i: I): Int }",
    ),
    Deviation(
        "`@specifiedBy` of a scalar changes",
        "dangerous",
        "safe",
        "DIRECTIVE_USAGE_ARGUMENT_ADDED",
        _BOTH,
        "clients may parse the values in another way; the inspector reports a removed and an added argument",
        lambda change: change.code is ChangeCode.SPECIFIED_BY_CHANGED,
        'scalar S @specifiedBy(url: "https://a.example") type Query { a: S }',
        'scalar S @specifiedBy(url: "https://b.example") type Query { a: S }',
    ),
    Deviation(
        "another type becomes the root of queries, mutations or subscriptions",
        "breaking",
        "breaking",
        "SCHEMA_QUERY_TYPE_CHANGED",
        _BOTH,
        "the inspector reports a change of the schema definition instead",
        lambda change: change.code.startswith("ROOT_TYPE_"),
        "type Query { a: Int } type Other { a: Int } schema { query: Query }",
        "type Query { a: Int } type Other { a: Int } schema { query: Other }",
    ),
)
