"""`@listSize`: its numbers and names must fit the field.

LIST_SIZE_APPLIED_TO_NON_LIST, LIST_SIZE_INVALID_ASSUMED_SIZE, LIST_SIZE_INVALID_SLICING_ARGUMENT,
LIST_SIZE_INVALID_SIZED_FIELD.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.type_refs import ListOf, base_name, nullable
from router.composition.values import python_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.composition.codes import ErrorCode
    from router.composition.facts import Facts
    from router.composition.model import Applied, FieldDef
    from router.composition.report import Report


def check(facts: Facts, report: Report, *, linked_by_itself: bool = False) -> None:
    """Check federation's directives, or those that come with a link to the cost specification itself."""
    for _, member in facts.schema.fields():
        for applied in member.applied("listSize"):
            if facts.schema.is_federations(applied) is linked_by_itself:
                continue
            for code, message in _problems(facts, member, applied):
                report.error(code, f"[{facts.name}] {member.coordinate}: {message}.", [(facts.name, applied.node)])


def _names(applied: Applied, argument: str) -> list[str] | None:
    value = python_value(applied.arguments.get(argument))
    return [str(item) for item in value] if isinstance(value, list) else None


def _problems(facts: Facts, member: FieldDef, applied: Applied) -> Iterator[tuple[ErrorCode, str]]:
    sized = _names(applied, "sizedFields")
    if not sized and not isinstance(nullable(member.type), ListOf):
        yield "LIST_SIZE_APPLIED_TO_NON_LIST", f"{member.type} is no list, and no sizedFields say where the list is"
    assumed = python_value(applied.arguments.get("assumedSize"))
    if isinstance(assumed, int) and assumed < 0:
        yield "LIST_SIZE_INVALID_ASSUMED_SIZE", f"the assumed size {assumed} is negative"
    for name in _names(applied, "slicingArguments") or ():
        argument = member.arguments.get(name)
        if argument is None:
            yield "LIST_SIZE_INVALID_SLICING_ARGUMENT", f'there is no argument "{name}" that could slice the list'
        elif str(nullable(argument.type)) != "Int":
            yield "LIST_SIZE_INVALID_SLICING_ARGUMENT", f'the slicing argument "{name}" is a {argument.type}, no Int'
    target = facts.schema.types.get(base_name(member.type))
    for name in sized or ():
        if target is None or not target.fields:
            yield "LIST_SIZE_INVALID_SIZED_FIELD", f'{member.type} has no fields, so "{name}" cannot be a sized one'
            continue
        size = target.fields.get(name)
        if size is None:
            yield "LIST_SIZE_INVALID_SIZED_FIELD", f'{target.name} has no field "{name}"'
        elif not isinstance(nullable(size.type), ListOf):
            yield "LIST_SIZE_APPLIED_TO_NON_LIST", f'the sized field "{size.coordinate}" is a {size.type}, no list'
