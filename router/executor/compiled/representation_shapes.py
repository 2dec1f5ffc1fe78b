"""Find the representations that a fetch sends for its objects (execution §3.2, §3.3)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from router.executor.compiled.response_shape import FieldShape, NotCompilable, ObjectShape
from router.executor.graphql.type_relations import is_subtype
from router.executor.interpreter.requests_in_plan import conditions_met
from router.federation.find_type_name_in_reference import TYPENAME
from router.plan import InputFragment, Key, KeyRenamer, TypeIs, ValueSetter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from graphql import GraphQLSchema

    from router.executor.compiled.fetch_shapes import StepShape
    from router.plan import InputSelection, Rewrite


@dataclass(frozen=True, slots=True)
class InputShape:
    """One key of a representation. Its value is either read from the object, or a constant type name.

    Attributes:
        key: The key.
        source: The field of the object from which the value is read; None for a constant.
        constant: The constant type name; empty if the value is read from the object.
        inputs: If the value is an object or a list of objects: object type → the keys of these objects.
    """

    key: str
    source: FieldShape | None = None
    constant: str = ""
    inputs: Mapping[str, tuple[InputShape, ...]] = field(default_factory=dict)


def representation(
    schema: GraphQLSchema, shape: StepShape, typename: str, variables: Mapping[str, object]
) -> tuple[InputShape, ...]:
    """Return the keys in the representation of an object of the type `typename`, in order.

    If objects of this type have no representation, return an empty tuple.

    Raises:
        NotCompilable: No fetch returns a needed value, or generated code does not support a rewrite.
    """
    fragments = [
        fragment
        for fragment in shape.fetch.requires
        if not fragment.conditions or any(conditions_met(those, variables) for those in fragment.conditions)
    ]
    inputs = _inputs(schema, shape.target, typename, fragments)
    for rewrite in shape.fetch.input_rewrites:
        inputs = _rewritten(schema, rewrite, typename, inputs)
    return tuple(inputs.values()) if inputs.keys() - {TYPENAME} else ()


def _inputs(
    schema: GraphQLSchema, target: ObjectShape, typename: str, selections: Iterable[InputSelection]
) -> dict[str, InputShape]:
    found: dict[str, InputShape] = {}
    for selection in selections:
        if isinstance(selection, InputFragment):
            if is_subtype(schema, typename, selection.type_condition):
                for key, one in _inputs(schema, target, typename, selection.selections).items():
                    found[key] = _united(found.get(key), one)
        elif selection.name == TYPENAME:
            found[TYPENAME] = InputShape(TYPENAME, constant=typename)
        else:
            source = target.fields.get(selection.name)
            if source is None or typename not in source.sources:
                raise NotCompilable("a needed value is not fetched")
            below = _below(schema, source, selection.selections) if selection.selections else {}
            found[selection.name] = _united(found.get(selection.name), InputShape(selection.name, source, "", below))
    return found


def _below(
    schema: GraphQLSchema, source: FieldShape, selections: Sequence[InputSelection]
) -> dict[str, tuple[InputShape, ...]]:
    child = source.child
    if child is None:
        raise NotCompilable("a needed value is not fetched")
    if (child.is_abstract or len(child.types) > 1) and not child.has_typename():
        raise NotCompilable("the type of an object is not fetched")
    names = [name for name in child.types if name not in child.interfaces]
    return {name: tuple(_inputs(schema, child, name, selections).values()) for name in names}


def _united(first: InputShape | None, second: InputShape) -> InputShape:
    """Combine two selections of the same key. The result has the inner keys of both selections."""
    if first is None:
        return second
    united = {}
    for typename, inputs in second.inputs.items():
        inner = {one.key: one for one in first.inputs.get(typename, ())}
        for one in inputs:
            inner[one.key] = _united(inner.get(one.key), one)
        united[typename] = tuple(inner.values())
    return replace(first, inputs=united)


def _rewritten(
    schema: GraphQLSchema, rewrite: Rewrite, typename: str, inputs: dict[str, InputShape]
) -> dict[str, InputShape]:
    """Apply an input rewrite. A renamed key becomes the last key, as in the interpreter."""
    match rewrite.path:
        case (TypeIs(types=types), Key(name=key)):
            if not any(is_subtype(schema, typename, name) for name in types):
                return inputs
        case (Key(name=key),):
            pass
        case _:
            raise NotCompilable("a value inside a representation is rewritten")
    if key not in inputs:
        return inputs
    changed = dict(inputs)
    match rewrite:
        case ValueSetter(value=value):
            changed[key] = InputShape(key, constant=value)
        case KeyRenamer(name=name):
            if name in inputs:
                raise NotCompilable("two keys of a representation get the same name")
            changed[name] = replace(changed.pop(key), key=name)
    return changed
