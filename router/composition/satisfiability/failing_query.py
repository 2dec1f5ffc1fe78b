"""Print an example of a query that cannot be resolved, for error messages (composition §9.5).

The query selects only the field that fails and the fields above this field. Required arguments have example values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from router.composition.model import COMPOSITE, ROOTS, FieldDef, Kind, Schema
from router.composition.type_refs import ListOf, NonNull, TypeRef

if TYPE_CHECKING:
    from collections.abc import Sequence

_EXAMPLES = {
    "Int": "0",
    "Float": "3.14",
    "Boolean": "true",
    "String": '"A string value"',
    "ID": '"<any id>"',
}
# Two input object types can have required fields of each other's type. The limit prevents endless recursion in this
# case. An earlier step of composition has already reported such types as an error.
_MAX_INPUT_DEPTH = 20


@dataclass(frozen=True, slots=True)
class QueryStep:
    """A field on the path from the root to the field that fails.

    Attributes:
        member: The field.
        concrete: The object type of the field's value. None if the field's own type is an object type or has no fields.
    """

    member: FieldDef
    concrete: str | None


def print_failing_query(schema: Schema, path: Sequence[QueryStep], last: FieldDef | None) -> str:
    """Return the text of the query, indented by two spaces.

    Args:
        schema: The supergraph.
        path: The fields above the field that fails.
        last: The field that fails. If `last` is None, the last field of `path` fails: no subgraph can find the object
            type of this field's value.
    """
    lines: list[str] = []
    steps = [*path, *([QueryStep(last, None)] if last is not None else [])]
    operation = next(name for name, root in ROOTS.items() if root == steps[0].member.parent)
    lines.append(f"{operation} {{")
    depth = 1
    for step in steps:
        opens = step is not steps[-1] or schema.kind_of(step.member.type) in COMPOSITE
        lines.append(f"{'  ' * depth}{step.member.name}{_arguments(schema, step.member)}{' {' if opens else ''}")
        depth += opens
        if step.concrete is not None:
            lines.append(f"{'  ' * depth}... on {step.concrete} {{")
            depth += 1
    if schema.kind_of(steps[-1].member.type) in COMPOSITE:
        lines.append(f"{'  ' * depth}...")
    lines += [f"{'  ' * level}}}" for level in range(depth - 1, -1, -1)]
    return "\n".join(f"  {line}" for line in lines)


def _arguments(schema: Schema, member: FieldDef) -> str:
    given = [
        f"{argument.name}: {_example(schema, argument.type, 0)}"
        for argument in member.arguments.values()
        if argument.required
    ]
    return f"({', '.join(given)})" if given else ""


def _example(schema: Schema, ref: TypeRef, depth: int) -> str:
    if isinstance(ref, NonNull):
        ref = ref.of
    if isinstance(ref, ListOf):
        return "[]"
    definition = schema.types.get(ref.name)
    if definition is None:
        return _EXAMPLES.get(ref.name, '"<some value>"')
    if definition.kind is Kind.ENUM:
        return next(iter(definition.values))
    if definition.kind is Kind.INPUT and depth < _MAX_INPUT_DEPTH:
        inner = (
            f"{item.name}: {_example(schema, item.type, depth + 1)}"
            for item in definition.inputs.values()
            if item.required
        )
        return f"{{{', '.join(inner)}}}"
    return '"<some value>"'
