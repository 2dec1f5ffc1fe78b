"""`Comparison`: the two schemas that are compared, and the changes found so far. All modules of this package use it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, TypeVar

from graphql import GraphQLUnionType

from router.schema_check.changes import Change, ChangeCode, Severity
from router.schema_check.input_and_output_types import TypePositions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from graphql import GraphQLSchema

T = TypeVar("T")

UNREACHABLE: Final = "No operation can use this part of the old schema."


@dataclass(slots=True)
class Comparison:
    """A comparison of two schemas, with the changes that are found so far.

    Attributes:
        old: The old schema.
        new: The new schema.
        positions: Where the old schema uses its types.
        directive_names: Maps the name of a directive in the schemas to its name in Apollo's specification. A schema can
            import `@authenticated` under another name.
        unions: The union types of the old schema.
        equal_types: The types that both schemas build from the same syntax nodes, so they have no changes.
        changes: The changes found so far.
    """

    old: GraphQLSchema
    new: GraphQLSchema
    positions: TypePositions
    directive_names: Mapping[str, str]
    unions: tuple[GraphQLUnionType, ...]
    equal_types: frozenset[str]
    changes: list[Change] = field(default_factory=list)

    @classmethod
    def of(cls, old: GraphQLSchema, new: GraphQLSchema, directive_names: Mapping[str, str]) -> Comparison:
        """Return a comparison that has no changes yet."""
        unions = tuple(each for each in old.type_map.values() if isinstance(each, GraphQLUnionType))
        return cls(old, new, TypePositions.of(old), directive_names, unions, frozenset(_equal_types(old, new)))

    def canonical_name(self, directive: str) -> str:
        """Return the name of a directive in its specification. A schema can import the directive under another name."""
        return self.directive_names.get(directive, directive.rpartition("__")[2])

    def add(self, change: Change, *, within: str | None = None) -> None:
        """Add a change.

        Args:
            change: The change.
            within: The type that contains the changed element. If no operation can use this type of the old schema, the
                change is safe.
        """
        unreachable = within is not None and within not in self.positions.reachable
        if unreachable and change.severity is not Severity.SAFE:
            change = replace(change, severity=Severity.SAFE, reason=UNREACHABLE)
        self.changes.append(change)

    def describe(self, coordinate: str, what: str, old: str | None, new: str | None) -> None:
        """If the description of an element has changed, add this change. `what` is a word such as `field`."""
        if (old or "") == (new or ""):
            return
        verb = "was added" if not old else "was removed" if not new else "was changed"
        message = f"The description of the {what} {coordinate} {verb}."
        reason = "Descriptions do not change how operations are executed."
        self.add(Change(ChangeCode.DESCRIPTION_CHANGED, coordinate, Severity.SAFE, message, reason))

    def deprecate(self, coordinate: str, what: str, old: str | None, new: str | None) -> None:
        """If an element was deprecated, or is no longer deprecated, or has a new reason, add this change.

        `old` and `new` are the reasons of the deprecation. None means not deprecated.
        """
        if old == new:
            return
        if old is None:
            code, message = ChangeCode.DEPRECATION_ADDED, f"The {what} {coordinate} was deprecated: {new}"
        elif new is None:
            code, message = ChangeCode.DEPRECATION_REMOVED, f"The {what} {coordinate} is no longer deprecated."
        else:
            code, message = ChangeCode.DEPRECATION_REASON_CHANGED, f"The {what} {coordinate} is now deprecated: {new}"
        self.add(Change(code, coordinate, Severity.SAFE, message, "Operations can still use a deprecated element."))


def _equal_types(old: GraphQLSchema, new: GraphQLSchema) -> Iterator[str]:
    for name, before in old.type_map.items():
        after = new.type_map.get(name)
        if after is None or before.ast_node is None or before.ast_node is not after.ast_node:
            continue
        if not before.extension_ast_nodes and not after.extension_ast_nodes:
            yield name


def pairs(old: Mapping[str, T], new: Mapping[str, T]) -> Iterator[tuple[str, T | None, T | None]]:
    """Yield each name with its old and its new element.

    The old element is None if the element was added. The new element is None if the element was removed.
    """
    for name, element in old.items():
        yield name, element, new.get(name)
    for name, element in new.items():
        if name not in old:
            yield name, None, element
