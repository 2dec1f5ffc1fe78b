"""Find the contextual arguments of a subgraph (the arguments with `@fromContext`), and report their problems."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from router.composition.model import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.composition.error_codes import ErrorCode
    from router.composition.external_provided_and_shareable_fields import SubgraphMetadata
    from router.composition.model import Applied, FieldDef, InputValue, TypeDef
    from router.composition.report import Report


class ContextualArgument(NamedTuple):
    """An argument with `@fromContext`.

    `applied` is the `@fromContext`. `member` is the field with the argument, and `definition` is the type with the
    field.
    """

    definition: TypeDef
    member: FieldDef
    argument: InputValue
    applied: Applied

    @property
    def value(self) -> str:
        """The text in the argument `field` of `@fromContext`, for example `"$user { name }"`."""
        return self.applied.text("field") or ""


def contextual_arguments(subgraph: SubgraphMetadata) -> Iterator[ContextualArgument]:
    """Return the contextual arguments of the fields of object types.

    Fields of interfaces must not have contextual arguments. The rule `context_not_set` reports such arguments.
    """
    return (each for each in all_contextual_arguments(subgraph) if each.definition.kind is Kind.OBJECT)


def all_contextual_arguments(subgraph: SubgraphMetadata) -> Iterator[ContextualArgument]:
    """Yield the contextual arguments of all fields of object types and interfaces."""
    for definition, member in subgraph.schema.fields():
        for argument in member.arguments.values():
            for applied in argument.applied("fromContext"):
                yield ContextualArgument(definition, member, argument, applied)


def report_problem(
    subgraph: SubgraphMetadata, report: Report, code: ErrorCode, each: ContextualArgument, problem: str
) -> None:
    """Report `problem` of the contextual argument `each` with the error code `code`."""
    place = f"{each.member.coordinate}({each.argument.name}:)"
    report.error(code, f"[{subgraph.name}] {place}: {problem}.", [(subgraph.name, each.applied.node)])
