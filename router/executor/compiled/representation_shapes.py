"""Find the representations that a fetch sends for its objects (execution §3.2, §3.3)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from router.executor.compiled.shapes import FieldShape, NotCompilable, ObjectShape
from router.executor.graphql.type_relations import is_subtype
from router.executor.interpreter.requests_in_plan import conditions_met
from router.federation.type_references import TYPENAME
from router.plan import InputFragment, Key, KeyRenamer, TypeIs, ValueSetter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from graphql import GraphQLSchema

    from router.executor.compiled.fetch_shapes import StepShape
    from router.plan import InputSelection, Rewrite


@dataclass(frozen=True, slots=True)
class InputShape:
    """One key of a representation: a value that is read from the object, or the constant name of a type.

    Attributes:
        key: The key.
        source: The field of the object that has the value; None for a constant.
        constant: The name of a type.
        inputs: The keys of the objects in the field; empty for a leaf.
    """

    key: str
    source: FieldShape | None = None
    constant: str = ""
    inputs: tuple[InputShape, ...] = ()


def representation(
    schema: GraphQLSchema, shape: StepShape, typename: str, variables: Mapping[str, object]
) -> tuple[InputShape, ...]:
    """Return the keys of the representation of an object of a type, in their order; empty if no object has one.

    Raises:
        NotCompilable: A needed value is not brought by a fetch, or a rewrite is of a kind that is not expressed.
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
            below: tuple[InputShape, ...] = ()
            if selection.selections:
                below = _below(schema, source, selection.selections)
            found[selection.name] = _united(found.get(selection.name), InputShape(selection.name, source, "", below))
    return found


def _below(schema: GraphQLSchema, source: FieldShape, selections: Iterable[InputSelection]) -> tuple[InputShape, ...]:
    child = source.child
    if child is None or child.is_abstract or len(child.types) > 1:
        raise NotCompilable("a needed object can have several types")
    return tuple(_inputs(schema, child, child.types[0], selections).values())


def _united(first: InputShape | None, second: InputShape) -> InputShape:
    """Return one shape for two selections of the same key."""
    if first is None:
        return second
    inner = {one.key: one for one in first.inputs}
    for one in second.inputs:
        inner[one.key] = _united(inner.get(one.key), one)
    return replace(first, inputs=tuple(inner.values()))


def _rewritten(
    schema: GraphQLSchema, rewrite: Rewrite, typename: str, inputs: dict[str, InputShape]
) -> dict[str, InputShape]:
    """Apply an input rewrite. A renamed key is last, as if it was removed and added again."""
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
