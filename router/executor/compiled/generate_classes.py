"""Generate the classes for decoded responses (execution §5) and for representations (execution §3.2).

The decoder of msgspec checks types, nulls and enum values while it decodes. `generate_client_response_function`
generates the checks of all other values. The class of an object has an attribute for each field of the object, also for
a field that a later fetch returns. Such an attribute is `UNSET` until the result of this fetch is placed in the object:

    class Product3(DecodedHiding, rename={"typename_": "__typename"}):      visible fields in the client's order
        upc: str                                                             fetch 0 returns `upc`
        name: UnsetType = UNSET                                              fetch 1 returns `name`
        typename_: Literal["Product"] = "Product"                            hidden: checked, but not encoded

    class Fetched1(Decoded):                                                 the fields that fetch 1 returns
        name: str | None
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql import GraphQLEnumType, get_named_type, is_list_type, is_non_null_type

from router.executor.compiled.response_shape import NotCompilable
from router.federation.find_type_name_in_reference import TYPENAME

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from graphql import GraphQLOutputType

    from router.executor.compiled.extra_fields import ExtraFields
    from router.executor.compiled.fetch_shapes import StepShape
    from router.executor.compiled.representation_shapes import InputShape
    from router.executor.compiled.response_shape import FieldShape, ObjectShape
    from router.executor.compiled.source_lines import SourceLines

_BUILT_IN = {"Int": "Int", "String": "str", "ID": "str", "Boolean": "bool"}
NEVER = "UnsetType = UNSET"


def object_class(shape: ObjectShape) -> str:
    """Return the name of the class for the objects of a shape, such as `Product3`."""
    last = shape.path[-1].strip("_") if shape.path else "Root"
    return f"{last[:1].upper()}{last[1:]}{shape.number}"


def fetched_class(step: StepShape) -> str:
    """Return the name of the class for the fields that a fetch returns for one entity, or for the root."""
    return f"Fetched{step.fetch.id}"


def merged_class(shape: ObjectShape, fetch: int) -> str:
    """Return the name of the class for objects of a fetch that are merged into objects of the response."""
    return object_class(shape) if shape.creator == fetch else f"Fetched{fetch}{object_class(shape)}"


def representation_class(step: StepShape, typename: str) -> str:
    """Return the name of the class for the representations of objects of the type `typename`."""
    return f"Representation{step.fetch.id}{typename}"


def write_object_class(
    lines: SourceLines, shape: ObjectShape, extra: ExtraFields, *, typename_is_implied: bool
) -> None:
    """Write the class for the objects of a shape.

    If `typename_is_implied` is True, an object may lack its hidden `__typename`.
    """
    extra_fields = extra.of_objects(shape, shape.creator) if shape.creator is not None else []
    fields = [
        (field.attribute, field.key, _created(shape, field, typename_is_implied=typename_is_implied))
        for field in shape.fields.values()
    ]
    hides = any(is_hidden_constant(shape, field) and typename_is_implied for field in shape.fields.values())
    base = "DecodedHiding" if hides or extra_fields else "Decoded"
    _write_class(lines, object_class(shape), base, [*fields, *extra_fields])


def empty_object(shape: ObjectShape, *, typename_is_implied: bool) -> str:
    """Return the Python expression for a new object of a shape, without any fields."""
    given = [
        f"{field.attribute}=UNSET"
        for field in shape.fields.values()
        if "=" not in _created(shape, field, typename_is_implied=typename_is_implied)
    ]
    return f"{object_class(shape)}({', '.join(given)})"


def is_hidden_constant(shape: ObjectShape, field: FieldShape) -> bool:
    """Return whether a field is a hidden `__typename` that has the same value in all objects of the shape."""
    return field.key == TYPENAME and not field.visible and len(shape.types) == 1 and not shape.is_abstract


def write_fetched_class(lines: SourceLines, step: StepShape, extra: ExtraFields) -> None:
    """Write the class for the fields that a fetch returns for one entity, or for the root."""
    _write_class(lines, fetched_class(step), "Decoded", _fetched_fields(step, extra))


def shares_entities(step: StepShape, first: StepShape, extra: ExtraFields) -> bool:
    """Return whether a fetch can use the entities that are decoded for `first`, an equal fetch for other objects.

    It can if their classes are equal and contain only leaf values, which never change. Objects become a part of the
    client's response, at one place only.
    """
    has_objects = any(field.child is not None for field in step.brought.values())
    return step is not first and not has_objects and _fetched_fields(step, extra) == _fetched_fields(first, extra)


def _fetched_fields(step: StepShape, extra: ExtraFields) -> list[tuple[str, str, str]]:
    fields = [
        (field.attribute, key, annotation(field, step.fetch.id, step.target, step.types, tuple(step.sent_typenames)))
        for key, field in step.brought.items()
    ]
    return [*fields, *extra.of_entities(step)]


def write_merged_class(lines: SourceLines, shape: ObjectShape, fetch: int, extra: ExtraFields) -> None:
    """Write the class for objects of a fetch that are merged into the objects of a shape."""
    fields = [
        (field.attribute, field.key, annotation(field, fetch, shape, shape.types))
        for field in shape.fields.values()
        if field.brought_by(fetch, shape.types)
    ]
    _write_class(lines, merged_class(shape, fetch), "Decoded", [*fields, *extra.of_objects(shape, fetch)])


def write_representation_class(lines: SourceLines, name: str, inputs: Sequence[InputShape]) -> None:
    """Write the class for a representation, or for an object inside a representation."""
    fields = [(f"f{number}", one.key, "Any") for number, one in enumerate(inputs)]
    _write_class(lines, name, "Representation", fields)


def _write_class(lines: SourceLines, name: str, base: str, fields: Sequence[tuple[str, str, str]]) -> None:
    renamed = {attribute: key for attribute, key, _ in fields if attribute != key}
    if len({attribute for attribute, _, _ in fields}) < len(fields):
        raise NotCompilable("two response keys would have the same attribute")
    rename = f", rename={renamed!r}" if renamed else ""
    keyword = "" if base == "Representation" else ", kw_only=True"
    with lines.block(f"class {name}({base}{keyword}{rename}):"):
        for attribute, _, type_ in fields:
            lines.add(f"{attribute}: {type_}")
    lines.add("", "")


def _created(shape: ObjectShape, field: FieldShape, *, typename_is_implied: bool) -> str:
    """Return the type annotation of a field in the class of its object (see `write_object_class`)."""
    if is_hidden_constant(shape, field) and typename_is_implied and field.sources:
        return f"Literal[{shape.types[0]!r}] = {shape.types[0]!r}"
    if shape.creator is None:
        return NEVER
    return annotation(field, shape.creator, shape, shape.types)


def annotation(
    field: FieldShape, fetch: int, shape: ObjectShape, types: Sequence[str], interfaces: Sequence[str] = ()
) -> str:
    """Return the type annotation of a field of `shape` in the response to `fetch`, for objects of `types`.

    `interfaces` are further names that the subgraph can send as `__typename`.

    If the fetch does not return the field for all of these types, the field may be absent.
    """
    brought = field.brought_by(fetch, tuple(types))
    if not brought:
        return NEVER
    if field.is_typename:
        names = dict.fromkeys((*(types or shape.types), *shape.interfaces, *interfaces))
        return f"Literal[{', '.join(map(repr, names))}]{_or_absent(brought, types)}"
    found = {_annotation(field, field.types[name], fetch) for name in brought}
    if len(found) > 1:
        found = {one.removesuffix(" | None") + " | None" for one in found}
    if len(found) > 1:
        raise NotCompilable("the type of a field depends on the type of its object")
    return found.pop() + _or_absent(brought, types)


def _or_absent(brought: Iterable[str], types: Iterable[str]) -> str:
    return "" if {*brought} == {*types} else " | UnsetType = UNSET"


def _annotation(field: FieldShape, type_: GraphQLOutputType, fetch: int) -> str:
    if is_non_null_type(type_):
        return _not_null(field, type_.of_type, fetch)
    return f"{_not_null(field, type_, fetch)} | None"


def _not_null(field: FieldShape, type_: GraphQLOutputType, fetch: int) -> str:
    if is_list_type(type_):
        return f"list[{_annotation(field, type_.of_type, fetch)}]"
    if field.child is not None:
        return merged_class(field.child, fetch)
    named = get_named_type(type_)
    if isinstance(named, GraphQLEnumType):
        return f"Literal[{', '.join(map(repr, named.values))}]"
    return _BUILT_IN.get(named.name, "Any")


def is_unchecked(field: FieldShape, typename: str) -> bool:
    """Return whether the decoder does not check the values of a leaf field.

    The decoder checks neither `Float` nor custom scalars. A `Float` is not checked because it must keep all its digits.
    """
    named = get_named_type(field.types[typename])
    return field.child is None and not isinstance(named, GraphQLEnumType) and named.name not in _BUILT_IN
