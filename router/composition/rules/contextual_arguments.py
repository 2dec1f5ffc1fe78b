"""What the rules on `@fromContext` share: the arguments of object fields that carry it, and how they are told."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from router.composition.model import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.composition.error_codes import ErrorCode
    from router.composition.model import Applied, FieldDef, InputValue, TypeDef
    from router.composition.report import Report
    from router.composition.subgraph_metadata import SubgraphMetadata


class ContextualArgument(NamedTuple):
    """An argument with `@fromContext`, and the field and type it is on; `value` is what the directive says."""

    definition: TypeDef
    member: FieldDef
    argument: InputValue
    applied: Applied

    @property
    def value(self) -> str:
        return self.applied.text("field") or ""


def contextual_arguments(subgraph: SubgraphMetadata) -> Iterator[ContextualArgument]:
    """Those of object fields; on others `@fromContext` means nothing (CONTEXT_NOT_SET)."""
    return (each for each in all_contextual_arguments(subgraph) if each.definition.kind is Kind.OBJECT)


def all_contextual_arguments(subgraph: SubgraphMetadata) -> Iterator[ContextualArgument]:
    for definition, member in subgraph.schema.fields():
        for argument in member.arguments.values():
            for applied in argument.applied("fromContext"):
                yield ContextualArgument(definition, member, argument, applied)


def tell(subgraph: SubgraphMetadata, report: Report, code: ErrorCode, each: ContextualArgument, problem: str) -> None:
    place = f"{each.member.coordinate}({each.argument.name}:)"
    report.error(code, f"[{subgraph.name}] {place}: {problem}.", [(subgraph.name, each.applied.node)])
