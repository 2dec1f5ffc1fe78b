"""Generate the functions that collect the objects and representations for a fetch (execution §3.1 to §3.3).

    def collect3(at, seen, representations):        at[2] is the list of the objects at users.@
        objects = []
        for users2 in at[2]:
            product4 = users2.product
            if product4:
                key = product4.upc
                first = seen.get(key)
                if first is None:                   no earlier object has the same representation
                    seen[key] = product4
                    objects.append(product4)
                    representations.append(Representation3Product("Product", product4.upc))
                elif first is not product4:         an earlier object has the same representation
                    users2.product = first
        return objects, None

If two objects have equal representations, the example replaces the second object by the first, so that the fetched
fields are placed only once. This is possible if the representation contains all fields that have been fetched for the
objects: then the objects are equal. Otherwise, all objects are kept, and the function returns a list `positions`
instead of None. This list has, for each object, the index of the object's representation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphql import GraphQLEnumType, get_named_type, is_list_type

from router.executor.compiled.generate_classes import representation_class
from router.executor.compiled.generate_context_values import write_context_group
from router.executor.compiled.generate_object_loops import walk
from router.executor.compiled.generate_representations import input_checks, input_value, write_representation
from router.executor.compiled.generate_value_checks import misfit
from router.executor.compiled.response_shape import NotCompilable, without_non_null
from router.federation.find_type_name_in_reference import TYPENAME

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from graphql import GraphQLOutputType

    from router.executor.compiled.fetch_shapes import StepShape
    from router.executor.compiled.generate_object_loops import Walked
    from router.executor.compiled.representation_shapes import InputShape
    from router.executor.compiled.response_shape import FieldShape
    from router.executor.compiled.source_lines import SourceLines

_HASHABLE = frozenset({"Int", "String", "ID", "Boolean"})


@dataclass(frozen=True, slots=True)
class CollectFunction:
    """The data from which `write_collect` generates the function of one fetch.

    Attributes:
        step: The fetch.
        inputs: Object type → the keys of its representations.
        refused: Interfaces for which a needed value is not fetched. An object whose `__typename` is such an interface
            is a misfit.
        collected: The numbers of the shapes whose objects an earlier fetch has collected.
        is_alone: Whether only this fetch uses the representations. False if several equal fetches share one list.
        absent: The fields that can be absent because a subgraph does not have an entity.
        objects_exist: Whether all fetches that return the objects have ended when the function runs. This can be False
            in a batch: one fetch of the batch can return objects for another fetch of the same batch.
    """

    step: StepShape
    inputs: Mapping[str, tuple[InputShape, ...]]
    refused: Collection[str]
    collected: Collection[int]
    is_alone: bool
    absent: Collection[FieldShape]
    objects_exist: bool

    @property
    def name(self) -> str:
        """The name of the function."""
        return f"collect{self.step.fetch.id}"

    @property
    def is_complete(self) -> bool:
        """Whether the function collects all objects of the shape. Later functions can then use the list of objects."""
        is_filtered = self.step.is_filtered or bool(self.step.fetch.context_rewrites)
        return self.objects_exist and not is_filtered and not self.absent_inputs()

    def absent_inputs(self) -> list[FieldShape]:
        """Return the fields that can be absent although a representation needs them."""
        return [
            one.source
            for inputs in self.inputs.values()
            for one in inputs
            if one.source is not None and one.source in self.absent
        ]

    @property
    def shares_objects(self) -> bool:
        """Whether the first object with a representation may replace all other objects with this representation."""
        target = self.step.target
        if len(target.types) > 1 or self.absent_inputs() or target.number in self.collected:
            return False
        if target.creator is None or len(target.sources) > 1 or target.context_ancestors:
            return False
        if self.step.fetch.context_rewrites:
            return False
        known = {field.key for field in target.fields.values() if field.brought_by(target.creator, target.types)} - {
            TYPENAME
        }
        read = {one.source.key for inputs in self.inputs.values() for one in inputs if one.source is not None}
        aliases = {field.key for field in target.fields.values() if field.is_typename}
        return known - aliases <= read and not any(one.inputs for each in self.inputs.values() for one in each)


def write_collect(lines: SourceLines, function: CollectFunction, *, compares_typenames: bool) -> None:
    """Write the classes for the representations, and the function that collects objects.

    `compares_typenames` is True if the list of representations can contain objects of several types.
    """
    step = function.step
    for typename, inputs in function.inputs.items():
        write_representation(lines, representation_class(step, typename), inputs)
    if step.fetch.context_rewrites:
        _write_groups(lines, function, compares_typenames=compares_typenames)
        return
    with lines.block(f"def {function.name}(at, seen, representations):"):
        lines.add("objects = []")
        if function.shares_objects and not function.is_alone:
            lines.add("shared = {}")
        if not function.is_alone or not function.shares_objects:
            lines.add("positions = []")
        with walk(lines, step.target, function.collected, needs_place=function.shares_objects) as walked:
            _write_types(lines, function, walked, compares_typenames=compares_typenames)
        has_positions = not function.is_alone or not function.shares_objects
        if function.is_complete:
            lines.add(f"at[{step.target.number}] = objects")
        lines.add(f"return objects, {'positions' if has_positions else 'None'}")
    lines.add("", "")


def write_collect_all(lines: SourceLines, step: StepShape, collected: Collection[int]) -> None:
    """Write the function for a fetch of root fields below the root. The function collects all objects at the path."""
    with lines.block(f"def collect{step.fetch.id}(at, seen, representations):"):
        lines.add("objects = []")
        with walk(lines, step.target, collected) as walked:
            lines.add(f"objects.append({walked.variable})")
        lines.add("return objects, None")
    lines.add("", "")


def _write_groups(lines: SourceLines, function: CollectFunction, *, compares_typenames: bool) -> None:
    """Write the function for a fetch with `@fromContext` arguments. The function adds objects to the dict `groups`."""
    head = f"def {function.name}(at, groups):"
    with lines.block(head), walk(lines, function.step.target, function.collected) as walked:
        write_context_group(lines, function.step.context)
        _write_types(lines, function, walked, compares_typenames=compares_typenames)
    lines.add("", "")


def _write_types(lines: SourceLines, function: CollectFunction, walked: Walked, *, compares_typenames: bool) -> None:
    target = function.step.target
    if len(target.types) == 1:
        _write_object(lines, function, walked, target.types[0], compares_typenames=compares_typenames)
        return
    if target.typename is None:
        raise NotCompilable("the type of an object is not fetched")
    lines.add(f"typename = {walked.variable}.{target.typename.attribute}")
    for typename in function.refused:
        lines.add(*misfit(f"typename == {typename!r}"))
    for typename in function.inputs:
        with lines.block(f"if typename == {typename!r}:"):
            _write_object(lines, function, walked, typename, compares_typenames=compares_typenames)


def _write_object(
    lines: SourceLines, function: CollectFunction, walked: Walked, typename: str, *, compares_typenames: bool
) -> None:
    step, inputs, variable = function.step, function.inputs[typename], walked.variable
    for one in inputs:
        if one.source is not None and one.source in function.absent:
            with lines.block(f"if {variable}.{one.source.attribute} is UNSET:"):
                write_nothing_fetched(lines, step, variable, typename)
                lines.add("continue")
        lines.add(*input_checks(one, step.target, variable, typename))
    class_ = representation_class(step, typename)
    made = f"{class_}({', '.join(input_value(one, variable, class_, typename) for one in inputs)})"
    if all(_is_hashable(one) for one in inputs):
        keys = [f"{variable}.{one.source.attribute}" for one in inputs if one.source is not None]
        constants = [repr(typename)] if compares_typenames else []
        all_keys = constants + keys
        lines.add(f"key = {all_keys[0]}" if len(all_keys) == 1 else f"key = ({', '.join(all_keys)})")
    else:
        lines.add(f"made = {made}", "key = canonical(made)")
        made = "made"
    _write_first_or_equal(lines, function, walked, made)


def _write_first_or_equal(lines: SourceLines, function: CollectFunction, walked: Walked, made: str) -> None:
    variable = walked.variable
    if function.shares_objects and walked.place is not None:
        first_objects = "seen" if function.is_alone else "shared"
        lines.add(f"first = {first_objects}.get(key)")
        with lines.block("if first is None:"):
            lines.add(f"{first_objects}[key] = {variable}", f"objects.append({variable})")
            if function.is_alone:
                lines.add(f"representations.append({made})")
            else:
                _write_position(lines, made)
        with lines.block(f"elif first is not {variable}:"):
            lines.add(f"{walked.place} = first")
    else:
        lines.add(f"objects.append({variable})")
        _write_position(lines, made)


def _write_position(lines: SourceLines, made: str) -> None:
    lines.add("position = seen.get(key)")
    with lines.block("if position is None:"):
        lines.add("position = seen[key] = len(representations)", f"representations.append({made})")
    lines.add("positions.append(position)")


def write_nothing_fetched(lines: SourceLines, step: StepShape, variable: str, typename: str) -> None:
    """Write the lines that run if a fetch returns no fields for an object.

    The fields of the fetch become null, unless another fetch has returned them. A field with a non-null type cannot
    become null: for a visible field, the lines raise `Misfit`; a hidden field stays absent.
    """
    for field in step.brought.values():
        if field.is_typename or step.fetch.id not in field.sources.get(typename, ()):
            continue
        place = f"{variable}.{field.attribute}"
        if not field.is_nullable(typename):
            if typename in field.visible:
                lines.add('raise Misfit("a field is null, but its type is non-null")')
                return
        elif field.has_other_source(typename, step.fetch.id):
            with lines.block(f"if {place} is UNSET:"):
                lines.add(f"{place} = None")
        else:
            lines.add(f"{place} = None")


def _is_hashable(one: InputShape) -> bool:
    """Return whether two values of a key can be compared with Python's `==`.

    They can if values that are equal in Python also have equal JSON texts. This is not so for `1` and `True`: they are
    equal in Python, but differ in JSON. Values of the type `Int` can be compared, because they are never `True`.
    """
    return one.source is None or (not one.inputs and all(map(_is_hashable_leaf, one.source.types.values())))


def _is_hashable_leaf(type_: GraphQLOutputType) -> bool:
    named = get_named_type(type_)
    is_list = is_list_type(without_non_null(type_))
    return not is_list and (isinstance(named, GraphQLEnumType) or named.name in _HASHABLE)


def same_keys(groups: Sequence[CollectFunction]) -> bool:
    """Return whether these functions compare representations in the same way, so that they can share one list."""
    return len({tuple(_is_hashable(one) for each in f.inputs.values() for one in each) for f in groups}) <= 1
