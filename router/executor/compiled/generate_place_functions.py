"""Generate the functions that place the fields of a fetch in the objects of the response (execution §3.6).

In the example, `positions` has, for each object, the index of its entity in `entities`:

def place1(objects, positions, entities):
    for target, position in zip(objects, positions):
        entity = entities[position]
        if entity is None:                     the subgraph does not have the entity
            target.name = None
        else:
            target.name = entity.name
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.executor.compiled.generate_assignments import ReturnedFields, refined_typename, write_assignments
from router.executor.compiled.generate_collect_functions import write_nothing_fetched
from router.executor.compiled.generate_value_checks import misfit
from router.executor.compiled.response_shape import NotCompilable

if TYPE_CHECKING:
    from router.executor.compiled.extra_fields import ExtraFields
    from router.executor.compiled.fetch_shapes import StepShape
    from router.executor.compiled.source_lines import SourceLines


def place_function(step: StepShape) -> str:
    """Return the name of the function that places the fields of a fetch."""
    return f"place{step.fetch.id}"


def write_place(lines: SourceLines, step: StepShape, extra: ExtraFields, *, has_positions: bool) -> None:
    """Write the function for one fetch. For a root fetch, the only object is the root.

    If `has_positions` is False, the entity of each object has the same index as the object.
    """
    with lines.block(f"def {place_function(step)}(objects, positions, entities):"):
        if has_positions:
            head, entity = "for target, position in zip(objects, positions):", "entities[position]"
        else:
            head, entity = "for target, entity in zip(objects, entities):", ""
        with lines.block(head):
            if entity:
                lines.add(f"entity = {entity}")
            _write_checks_of_repeated(lines, step, extra)
            if len(step.target.types) == 1:
                _write_typed(lines, step, step.target.types[0])
            else:
                _write_by_type(lines, step)
    lines.add("", "")


def _write_checks_of_repeated(lines: SourceLines, step: StepShape, extra: ExtraFields) -> None:
    """Write the checks that fields which other fetches return, too, have the values that are known already."""
    repeated = extra.repeated(step)
    if repeated:
        with lines.block("if entity is not None:"):
            for field in repeated:
                sent = f"entity.{field.attribute}"
                lines.add(*misfit(f"{sent} is not UNSET and {sent} != target.{field.attribute}"))


def _write_by_type(lines: SourceLines, step: StepShape) -> None:
    if step.target.typename is None:
        raise NotCompilable("the type of an object is not fetched")
    attribute = step.target.typename.attribute
    lines.add(f"typename = target.{attribute}")
    if step.target.interfaces:
        if step.target.typename in step.brought.values():
            with lines.block("if entity is not None:"):
                lines.add(f"typename = target.{attribute} = {refined_typename(_returned(step), f'entity.{attribute}')}")
        lines.add(*misfit(f"typename not in {step.types!r}"))
    for typename in step.types:
        with lines.block(f"if typename == {typename!r}:"):
            _write_typed(lines, step, typename)


def _write_typed(lines: SourceLines, step: StepShape, typename: str) -> None:
    if step.fetch.requires:
        with lines.block("if entity is None:"):
            write_nothing_fetched(lines, step, "target", typename)
        with lines.block("else:"):
            write_assignments(lines, _returned(step), typename)
    else:
        write_assignments(lines, _returned(step), typename)


def _returned(step: StepShape) -> ReturnedFields:
    fields = tuple(step.brought.values())
    return ReturnedFields(step.fetch.id, step.target, fields, step.types, step.sent_typenames)
