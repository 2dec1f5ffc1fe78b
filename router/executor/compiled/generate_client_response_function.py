"""Generate the function that turns the decoded objects into the client's response (execution §5).

The function does three things:

- It checks values that the decoder does not check: numbers of the type `Float`, and custom scalars that must not be
  null. If objects in a field can have several types, the function also checks that each object has the fields of its
  type, and that no field is null if its type forbids null.
- It removes hidden fields.
- It sets the fields that no fetch returns.

    def finish(at):
        for product4 in at[4]:
            product4.upc = UNSET                     `upc` is hidden
            if type(product4.rating) is not Decimal and type(product4.rating) is not int: ...
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.executor.compiled.generate_classes import is_hidden_constant, is_unchecked
from router.executor.compiled.generate_object_loops import walk
from router.executor.compiled.generate_value_checks import misfit, value_checks
from router.executor.compiled.response_shape import NotCompilable
from router.federation.find_type_name_in_reference import TYPENAME

if TYPE_CHECKING:
    from collections.abc import Collection

    from router.executor.compiled.response_shape import FieldShape, ObjectShape
    from router.executor.compiled.source_lines import SourceLines

FINISH = "finish"


def write_finish(
    lines: SourceLines, root: ObjectShape, collected: Collection[int], implied_typenames: Collection[int]
) -> None:
    """Write the function `finish`.

    Args:
        lines: The source text to which the function is added.
        root: The shape of the response.
        collected: The numbers of the shapes whose objects are in `at`.
        implied_typenames: The numbers of the shapes whose objects are encoded without the hidden `__typename`.
    """
    with lines.block(f"def {FINISH}(at):"):
        for shape in _visible_shapes(root):
            actions = {
                typename: _actions(shape, typename, typename_is_omitted=shape.number in implied_typenames)
                for typename in shape.types
            }
            if any(actions.values()):
                with walk(lines, shape, collected) as walked:
                    _write_actions(lines, shape, walked.variable, actions)
    lines.add("", "")


def _visible_shapes(shape: ObjectShape) -> list[ObjectShape]:
    """Return the shapes of the objects that the client sees. Children come before their parent.

    Children must be finished first: the loop over the children reads fields of their parent, and hidden fields are
    removed when the parent is finished.
    """
    found: list[ObjectShape] = []
    for field in shape.fields.values():
        if field.visible and field.child is not None and field.child.sources:
            found += _visible_shapes(field.child)
    return [*found, shape]


def _write_actions(lines: SourceLines, shape: ObjectShape, variable: str, actions: dict[str, list[str]]) -> None:
    if len(shape.types) == 1:
        lines.add(*(line.replace("OBJECT", variable) for line in actions[shape.types[0]]))
        return
    if shape.typename is None:
        raise NotCompilable("the type of an object is not fetched")
    lines.add(f"typename = {variable}.{shape.typename.attribute}")
    for typename, own in actions.items():
        if own:
            with lines.block(f"if typename == {typename!r}:"):
                lines.add(*(line.replace("OBJECT", variable) for line in own))


def _actions(shape: ObjectShape, typename: str, *, typename_is_omitted: bool) -> list[str]:
    """Return the lines that finish one object of the type `typename`. In the lines, OBJECT stands for the object."""
    if typename in shape.undetermined:
        return ['raise Misfit("the type of an object is not known")']
    lines: list[str] = []
    if shape.is_abstract and not shape.has_typename():
        raise NotCompilable("an object in an abstract position has no __typename")
    for field in shape.fields.values():
        place = f"OBJECT.{field.attribute}"
        if typename in field.visible:
            lines += _checks(shape, field, typename, place)
        elif is_hidden_constant(shape, field) and typename_is_omitted:
            continue
        elif field.sources:
            lines.append(f"{place} = UNSET")
    return lines


def _checks(shape: ObjectShape, field: FieldShape, typename: str, place: str) -> list[str]:
    sources = field.sources.get(typename, [])
    is_fetched = sources or field.is_typename or field.is_nullable(typename)
    if (typename in shape.interfaces and field.is_typename) or (len(shape.types) > 1 and not is_fetched):
        # Usually no object has this type, because the subgraph that returns the objects does not have the type. If an
        # object has the type anyway, the response is a misfit.
        return ['raise Misfit("the type of an object is not known, or its fields are not fetched")']
    if not sources:
        if field.is_typename:
            return [f"{place} = {typename!r}"]
        if field.is_nullable(typename):
            return [f"{place} = None"]
        raise NotCompilable("a field is not fetched")
    if field.is_typename:
        # The decoder has checked the key `__typename`. A field with an alias, such as `kind: __typename`, can be
        # absent, or can have the name of another type.
        is_checked = (field.key == TYPENAME or len(shape.types) == 1) and not shape.may_lack(field, typename)
        return [] if is_checked else [f"{place} = {typename!r}"]
    lines: list[str] = []
    if shape.may_lack(field, typename) and field.is_nullable(typename):
        lines += [f"if {place} is UNSET:", f"    {place} = None"]
    elif shape.may_lack(field, typename) or shape.is_decoded_for_some(field, typename):
        lines += misfit(f"{place} is UNSET")
    if any(field.is_nullable(name) for name in field.sources) and not field.is_nullable(typename):
        lines += misfit(f"{place} is None")
    if is_unchecked(field, typename):
        lines += value_checks(place, field.types[typename], 0)
    return lines
