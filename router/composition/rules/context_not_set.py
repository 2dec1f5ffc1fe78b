"""CONTEXT_NOT_SET: an argument cannot have `@fromContext`, or no type in the subgraph sets the named context.

For example, arguments of interface fields and of directives cannot have `@fromContext`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.context_directives import context_types, parse_context_value
from router.composition.model import Kind
from router.composition.rules.find_contextual_arguments import all_contextual_arguments, report_problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.composition.external_provided_and_shareable_fields import SubgraphMetadata
    from router.composition.model import Schema
    from router.composition.report import Report
    from router.composition.rules.find_contextual_arguments import ContextualArgument


def check(subgraph: SubgraphMetadata, report: Report) -> None:
    """Report each `@fromContext` that is on a wrong argument, or whose context no type sets (composition §4.7)."""
    _check_directive_arguments(subgraph, report)
    for each in all_contextual_arguments(subgraph):
        for problem in _problems(subgraph.schema, each):
            report_problem(subgraph, report, "CONTEXT_NOT_SET", each, problem)


def _check_directive_arguments(subgraph: SubgraphMetadata, report: Report) -> None:
    for directive in subgraph.schema.directives.values():
        for argument in directive.arguments.values():
            if argument.has("fromContext"):
                report.error(
                    "CONTEXT_NOT_SET",
                    f"[{subgraph.name}] @{directive.name}({argument.name}:): arguments of directives cannot have "
                    "@fromContext.",
                    [(subgraph.name, argument.node)],
                )


def _problems(schema: Schema, each: ContextualArgument) -> Iterator[str]:
    if each.definition.kind is not Kind.OBJECT:
        yield "@fromContext is allowed on arguments of object fields only"
        return
    for interface in each.definition.interfaces:
        if each.member.name in (schema.types[interface].fields if interface in schema.types else {}):
            yield f"the field implements a field of {interface}, and interface fields cannot have @fromContext"
    if each.argument.default is not None:
        yield "an argument with @fromContext cannot have a default value"
    parsed = parse_context_value(each.value)
    if parsed is not None and not context_types(schema, parsed.context):
        yield f'no type in this subgraph sets the context "{parsed.context}"'
