"""Generate the classes of representations, and the functions that build the objects inside them (execution §3.2).

In the example, a representation has the key `size` with the object `{width}`:

    def build_Representation3Product_size(value):
        if value.width is UNSET:
            raise Misfit("a value does not fit its type")
        return Representation3Product_size_Size(value.width)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.executor.compiled.generate_classes import is_unchecked, write_representation_class
from router.executor.compiled.generate_value_checks import misfit, value_checks
from router.executor.compiled.response_shape import NotCompilable, list_depth

if TYPE_CHECKING:
    from collections.abc import Sequence

    from router.executor.compiled.representation_shapes import InputShape
    from router.executor.compiled.response_shape import ObjectShape
    from router.executor.compiled.source_lines import SourceLines


def write_representation(lines: SourceLines, name: str, inputs: Sequence[InputShape]) -> None:
    """Write the class `name` with the keys `inputs`, and the functions and classes for the objects inside it."""
    for one in inputs:
        if one.source is not None and one.source.child is not None:
            _write_build(lines, f"{name}_{one.key}", one, one.source.child)
    write_representation_class(lines, name, inputs)


def _write_build(lines: SourceLines, name: str, one: InputShape, shape: ObjectShape) -> None:
    for typename, inputs in one.inputs.items():
        write_representation(lines, f"{name}_{typename}", inputs)
    with lines.block(f"def build_{name}(value):"):
        if len(shape.types) == 1:
            _write_return(lines, f"{name}_{shape.types[0]}", one.inputs[shape.types[0]], shape, shape.types[0])
        else:
            if shape.typename is None:
                raise NotCompilable("the type of an object is not fetched")
            lines.add(f"typename = value.{shape.typename.attribute}")
            for typename, inputs in one.inputs.items():
                with lines.block(f"if typename == {typename!r}:"):
                    _write_return(lines, f"{name}_{typename}", inputs, shape, typename)
            lines.add('raise Misfit("the type of an object is not known")')
    lines.add("", "")


def _write_return(
    lines: SourceLines, name: str, inputs: Sequence[InputShape], shape: ObjectShape, typename: str
) -> None:
    for one in inputs:
        if one.source is not None and shape.creator not in one.source.sources[typename]:
            lines.add(*misfit(f"value.{one.source.attribute} is UNSET"))
        lines.add(*input_checks(one, shape, "value", typename))
    lines.add(f"return {name}({', '.join(input_value(one, 'value', name, typename) for one in inputs)})")


def input_checks(one: InputShape, shape: ObjectShape, variable: str, typename: str) -> list[str]:
    """Return the lines that check an input if the decoder does not check it completely.

    An input must not be absent. An input with a non-null type must not be null. The decoder cannot check these rules
    for `Float`, for custom scalars, or for a field that differs between the object types or between fetches.
    """
    if one.source is None:
        return []
    field, value = one.source, f"{variable}.{one.source.attribute}"
    lines: list[str] = []
    if shape.is_decoded_for_some(field, typename) or shape.may_lack(field, typename):
        lines += misfit(f"{value} is UNSET")
    if is_unchecked(field, typename):
        return lines + value_checks(value, field.types[typename], 0)
    if not field.is_nullable(typename) and any(map(field.is_nullable, field.types)):
        lines += misfit(f"{value} is None")
    return lines


def input_value(one: InputShape, variable: str, class_: str, typename: str) -> str:
    """Return the Python expression for the value of one key of a representation.

    `variable` contains an object of the type `typename`. `class_` is the class for its representation.
    """
    if one.source is None:
        return repr(one.constant)
    value = f"{variable}.{one.source.attribute}"
    if not one.inputs:
        return value
    return f"built({value}, build_{class_}_{one.key}, {list_depth(one.source.types[typename])})"
