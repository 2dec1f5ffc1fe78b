"""Turns the selections of an operation or a fetch into `PricedSelection`s, once for each document (execution §15.2).

A request only evaluates the `PricedSelection`s with its variables. Selections that cost nothing, such as leaf fields
without `@cost`, are left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec
from graphql import FieldNode, FragmentSpreadNode, InlineFragmentNode, VariableNode, value_from_ast_untyped

from router.policies.demand_control.schema_weights import INPUT_OBJECT_WEIGHT
from router.policies.read_conditions_and_list_sizes import Variable, conditions_of, value_of, variables_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from graphql import FragmentDefinitionNode, SelectionNode, ValueNode

    from router.policies.demand_control.schema_weights import FieldWeight, InputWeight, SchemaWeights
    from router.policies.read_conditions_and_list_sizes import ListSize

    Sizes: TypeAlias = Mapping[str, "Size"]

MAX_COST: Final = 10**15
"""The largest reported cost. A larger cost is reported as this number."""


class SlicingArgument(msgspec.Struct, frozen=True):
    """An argument that gives the number of items of a list.

    `value` is the value of the argument. If the value is an input object, `path` leads to the number in the object.
    """

    value: ValueNode
    path: tuple[str, ...]


class Size(msgspec.Struct, frozen=True):
    """The number of items of a list.

    Attributes:
        given: The slicing arguments that the client gives. The largest of their numbers is the size.
        default: The size if no argument in `given` has a number.
        requires_one: Whether the client must give exactly one slicing argument.
        field: The name of the field, for messages.
    """

    given: tuple[SlicingArgument, ...]
    default: int
    requires_one: bool
    field: str


class PricedArgument(msgspec.Struct, frozen=True):
    """An argument whose cost depends on its value."""

    weights: InputWeight
    value: ValueNode


class PricedSelection(msgspec.Struct, frozen=True, eq=False):
    """A field or a fragment that has a cost, contains a cost, or has a list size to check.

    Attributes:
        key: The response key; empty for a fragment.
        conditions: For each `@skip` and `@include`, the value of `if`, and the value for which the selection is
            included.
        weight: The cost of one item of the field, without `inner`.
        size: The number of items; None if the field is not a list.
        arguments: The arguments that cost something. Their cost does not depend on the number of items.
        inner: The selections in the field or fragment.
    """

    key: str
    conditions: tuple[tuple[object, bool], ...]
    weight: int = 0
    size: Size | None = None
    arguments: tuple[PricedArgument, ...] = ()
    inner: tuple[PricedSelection, ...] = ()

    @property
    def is_free(self) -> bool:
        """Whether the estimate can leave the selection out.

        Such a selection has no cost, contains none, and has no list size that must be checked.
        """
        checked = self.size is not None and self.size.requires_one
        return not (self.weight or self.arguments or self.inner or checked)


class Pricing(msgspec.Struct):
    """Makes the `PricedSelection`s of one document. `list_size` is the number of items of lists without `@listSize`.

    A parent field can set the sizes of the lists in a fragment. So a fragment is priced once for each combination of
    such sizes.
    """

    weights: SchemaWeights
    list_size: int
    fragments: Mapping[str, FragmentDefinitionNode] = msgspec.field(default_factory=dict)
    _known: dict[tuple[str, frozenset[str]], tuple[PricedSelection, ...]] = msgspec.field(default_factory=dict)

    def of(
        self, selections: Iterable[SelectionNode], parent: str | None, sizes: Sizes | None = None
    ) -> tuple[PricedSelection, ...]:
        """Return the prices of `selections` on the type `parent`.

        `sizes` maps the name of a list field to its size, if the `@listSize` of the parent field sets this size.
        """
        found = (self._one(selection, parent, sizes or {}) for selection in selections)
        return tuple(priced for priced in found if priced is not None and not priced.is_free)

    def _one(self, selection: SelectionNode, parent: str | None, sizes: Sizes) -> PricedSelection | None:
        conditions = tuple(conditions_of(selection))
        match selection:
            case FieldNode():
                return self._field(selection, parent, sizes, conditions)
            case InlineFragmentNode(type_condition=condition, selection_set=inner):
                type_ = parent if condition is None else condition.name.value
                return PricedSelection("", conditions, inner=self.of(inner.selections, type_, sizes))
            case FragmentSpreadNode(name=name):
                return PricedSelection("", conditions, inner=self._fragment(name.value, sizes))
        return None

    def _fragment(self, name: str, sizes: Sizes) -> tuple[PricedSelection, ...]:
        key = (name, frozenset(map(str, sizes.items())))
        if key not in self._known:
            fragment = self.fragments[name]
            type_ = fragment.type_condition.name.value
            self._known[key] = self.of(fragment.selection_set.selections, type_, sizes)
        return self._known[key]

    def _field(
        self, node: FieldNode, parent: str | None, sizes: Sizes, conditions: tuple[tuple[object, bool], ...]
    ) -> PricedSelection | None:
        name = node.name.value
        weights = self.weights.of_field(parent, name)
        if weights is None:
            return None
        given = {argument.name.value: argument.value for argument in node.arguments or ()}
        inner_sizes: dict[str, Size] = {}
        size = sizes.get(name)
        if weights.size is not None:
            own = self._size(name, weights, weights.size, given)
            if weights.size.sized:
                inner_sizes = dict.fromkeys(weights.size.sized, own)
            else:
                size = own
        if size is None and weights.is_list:
            size = Size((), self.list_size, requires_one=False, field=name)
        inner = node.selection_set.selections if node.selection_set is not None else ()
        return PricedSelection(
            node.alias.value if node.alias is not None else name,
            conditions,
            weights.weight,
            size,
            tuple(self._arguments(weights.arguments, given)),
            self.of(inner, weights.type_name, inner_sizes),
        )

    def _arguments(
        self, weights: Mapping[str, InputWeight], given: Mapping[str, ValueNode]
    ) -> Iterator[PricedArgument]:
        for name, value in given.items():
            if name in weights and self.weights.may_cost(weights[name]):
                yield PricedArgument(weights[name], value)

    def _size(self, name: str, weights: FieldWeight, declared: ListSize, given: Mapping[str, ValueNode]) -> Size:
        slicing = [tuple(each.split(".")) for each in sorted(declared.slicing)]
        values = tuple(SlicingArgument(given[path[0]], path[1:]) for path in slicing if path[0] in given)
        defaults = [
            default
            for path in slicing
            if len(path) == 1 and path[0] in weights.arguments
            if isinstance(default := weights.arguments[path[0]].default, int)
        ]
        default = max(defaults, default=declared.assumed if declared.assumed is not None else self.list_size)
        return Size(values, default, declared.requires_one and not defaults, name)


def variables_of(selections: Iterable[PricedSelection], known: set[int]) -> Iterator[str]:
    """Yield the names of the variables on which the cost of `selections` depends.

    `known` has the ids of the selections that were visited: a fragment that is spread twice is visited once.
    """
    for selection in selections:
        if id(selection) in known:
            continue
        known.add(id(selection))
        yield from (condition.name for condition, _keeps in selection.conditions if isinstance(condition, Variable))
        sizes = selection.size.given if selection.size is not None else ()
        for value in (*(size.value for size in sizes), *(argument.value for argument in selection.arguments)):
            yield from variables_in(value)
        yield from variables_of(selection.inner, known)


def argument_cost(argument: PricedArgument, variables: Mapping[str, object], weights: SchemaWeights) -> int:
    """Return the cost of an argument with all input objects in its value, but at most `MAX_COST`."""
    value = argument.value
    given = (
        variables.get(value.name.value)
        if isinstance(value, VariableNode)
        else value_from_ast_untyped(value, dict(variables))
    )
    cost, pending = 0, [(argument.weights, given)]
    while pending and cost < MAX_COST:
        rule, item = pending.pop()
        if isinstance(item, list):
            pending += [(rule, each) for each in item]
        elif isinstance(item, dict):
            cost += INPUT_OBJECT_WEIGHT if rule.weight is None else rule.weight
            fields = weights.of_input_object(rule.type_name)
            pending += [(fields[name], each) for name, each in item.items() if name in fields]
        elif item is not None:
            cost += rule.weight or 0
    return min(cost, MAX_COST)


def sliced(argument: SlicingArgument, variables: Mapping[str, object]) -> object:
    """Return the value of a slicing argument. Return None if the client does not give the argument."""
    value = value_of(argument.value)
    if isinstance(value, Variable):
        value = variables.get(value.name)
    elif argument.path:
        value = value_from_ast_untyped(argument.value, dict(variables))
    for name in argument.path:
        value = value.get(name) if isinstance(value, dict) else None
    return value
