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

from router.executor.compiled.generate_classes import annotation
from router.executor.compiled.generate_collect_functions import write_nothing_fetched
from router.executor.compiled.response_shape import NotCompilable

if TYPE_CHECKING:
    from router.executor.compiled.fetch_shapes import StepShape
    from router.executor.compiled.response_shape import FieldShape
    from router.executor.compiled.source_lines import SourceLines


def place_function(step: StepShape) -> str:
    """Return the name of the function that places the fields of a fetch."""
    return f"place{step.fetch.id}"


def write_place(lines: SourceLines, step: StepShape, *, has_positions: bool) -> None:
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
            if len(step.target.types) == 1:
                _write_typed(lines, step, step.target.types[0])
            else:
                _write_by_type(lines, step)
    lines.add("", "")


def _write_by_type(lines: SourceLines, step: StepShape) -> None:
    if step.target.typename is None:
        raise NotCompilable("the type of an object is not fetched")
    lines.add(f"typename = target.{step.target.typename.attribute}")
    for typename in step.types:
        with lines.block(f"if typename == {typename!r}:"):
            _write_typed(lines, step, typename)


def _write_typed(lines: SourceLines, step: StepShape, typename: str) -> None:
    if step.fetch.requires:
        with lines.block("if entity is None:"):
            write_nothing_fetched(lines, step, "target", typename)
        with lines.block("else:"):
            _write_entity(lines, step, typename)
    else:
        _write_entity(lines, step, typename)


def _write_entity(lines: SourceLines, step: StepShape, typename: str) -> None:
    for field in step.brought.values():
        value, is_brought = f"entity.{field.attribute}", step.fetch.id in field.sources.get(typename, ())
        may_be_absent = "UNSET" in annotation(field, step.fetch.id, step.types, step.target.types)
        if not is_brought:
            if may_be_absent:
                _write_misfit(lines, f"{value} is not UNSET")
            continue
        if may_be_absent:
            _write_misfit(lines, f"{value} is UNSET")
        if field.is_typename and field.has_other_source(typename, step.fetch.id):
            if len(step.types) > 1:
                _write_misfit(lines, f"{value} != target.{field.attribute}")
            continue
        _write_value(lines, step, field, typename)


def _write_value(lines: SourceLines, step: StepShape, field: FieldShape, typename: str) -> None:
    """Write the assignment of one field. Null does not replace the value from another fetch (execution §3.6)."""
    value, place = f"entity.{field.attribute}", f"target.{field.attribute}"
    if field.has_other_source(typename, step.fetch.id) and "None" in annotation(
        field, step.fetch.id, step.types, step.target.types
    ).replace("Any", "None"):
        with lines.block(f"if {value} is not None or {place} is UNSET:"):
            lines.add(f"{place} = {value}")
    else:
        lines.add(f"{place} = {value}")


def _write_misfit(lines: SourceLines, condition: str) -> None:
    with lines.block(f"if {condition}:"):
        lines.add('raise Misfit("the fields of an entity are not those of its type")')
