"""Estimates how many objects an operation resolves, from the `@cost` and `@listSize` of the schema.

Specification: https://ibm.github.io/graphql-specs/cost-spec.html. The directives are the ones that Federation defines.

An object costs 1, and a leaf costs 0. A field with `@cost(weight: 100)` costs 100 instead. The selections of a list are
counted once for each of its items, so the sizes of nested lists are multiplied:

```
{ accounts(first: 10) { nodes { owner { accounts { nodes { id } } } } } }
  1 connection + 10 * (1 account + 1 owner + 1 connection + 20 * 1 account) = 231
```

The number of items is the largest slicing argument that is given; without one, it is the assumed size. `sizedFields`
names the fields of the object, such as `nodes`, that contain the items. `_entities` has an item for each
representation. The estimate is an upper bound: if an object can have several types, the most expensive type counts, and
a field that is selected twice counts twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from graphql import (
    GRAPHQL_MAX_INT,
    GRAPHQL_MIN_INT,
    FieldNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    VariableNode,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from strawberry.federation.schema_directives import Cost, ListSize

from subgraphs.kit.operation_size import ENTITIES, INTROSPECTION

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from graphql import (
        FragmentDefinitionNode,
        GraphQLField,
        GraphQLOutputType,
        GraphQLSchema,
        OperationDefinitionNode,
        SelectionNode,
        SelectionSetNode,
        ValueNode,
    )

# The assumed size of a list of objects, if the schema does not declare a size. It is the size of the largest page.
UNDECLARED_LIST: Final = 100

NO_SIZES: Final[Mapping[str, int]] = {}


class FieldDirectives(NamedTuple):
    """The directives about the cost of a field. An attribute is None if the field does not have this directive."""

    weight: int | None = None
    list_size: ListSize | None = None


def directives_of(field: GraphQLField) -> FieldDirectives:
    """Return the `@cost` and `@listSize` that a field of a Strawberry schema declares."""
    definition = field.extensions.get("strawberry-definition")
    weight, list_size = None, None
    for directive in getattr(definition, "directives", ()):
        if isinstance(directive, Cost):
            weight = directive.weight
        elif isinstance(directive, ListSize):
            list_size = directive
    return FieldDirectives(weight, list_size)


def estimate(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    variables: Mapping[str, Any],
) -> int:
    """Return the largest number of objects that `operation` can resolve.

    The operation must be valid, but its variables may be invalid. The time grows with the number of selections after
    the fragments are expanded. The caller must limit this number.
    """
    root = schema.get_root_type(operation.operation)
    if root is None:
        return 0
    defaults = {
        definition.variable.name.value: definition.default_value
        for definition in operation.variable_definitions or ()
        if definition.default_value is not None
    }
    return _Estimation(schema, fragments, variables, defaults).below(operation.selection_set, root, NO_SIZES)


@dataclass(frozen=True, slots=True)
class _Estimation:
    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Mapping[str, Any]
    defaults: Mapping[str, ValueNode]

    def below(self, selections: SelectionSetNode, parent: GraphQLObjectType, sizes: Mapping[str, int]) -> int:
        """Return how many objects `selections` resolve on one object of the type `parent`.

        `sizes` maps the name of a list field of `parent` to the number of its items.
        """
        return sum(self._field(node, parent, sizes) for node in self._fields(selections, parent))

    def _fields(self, selections: SelectionSetNode, parent: GraphQLObjectType) -> Iterator[FieldNode]:
        for selection in selections.selections:
            if self._is_left_out(selection):
                continue
            match selection:
                case FieldNode():
                    yield selection
                case InlineFragmentNode(type_condition=condition, selection_set=inner):
                    if condition is None or self._applies(condition.name.value, parent):
                        yield from self._fields(inner, parent)
                case FragmentSpreadNode():
                    fragment = self.fragments[selection.name.value]
                    if self._applies(fragment.type_condition.name.value, parent):
                        yield from self._fields(fragment.selection_set, parent)

    def _field(self, node: FieldNode, parent: GraphQLObjectType, sizes: Mapping[str, int]) -> int:
        name = node.name.value
        field = parent.fields.get(name)
        if field is None or name in INTROSPECTION:
            return 0  # `__typename` and fields of introspection resolve no objects of the service
        weight, list_size = directives_of(field)
        composite = get_named_type(field.type)
        if node.selection_set is None or not is_composite_type(composite):
            return weight or 0
        declared = self._declared_size(node, list_size)
        sized_fields = (list_size.sized_fields if list_size else None) or ()
        inner_sizes = dict.fromkeys(sized_fields, declared) if declared is not None else NO_SIZES
        own = 1 if weight is None else weight
        types = self.schema.get_possible_types(composite) if is_abstract_type(composite) else [composite]
        each = own + max(
            (self.below(node.selection_set, type_, inner_sizes) for type_ in types if is_object_type(type_)), default=0
        )
        return each * self._items(node, field.type, sizes, None if sized_fields else declared)

    def _items(self, node: FieldNode, type_: GraphQLOutputType, sizes: Mapping[str, int], declared: int | None) -> int:
        if not is_list_type(type_.of_type if is_non_null_type(type_) else type_):
            return 1
        name = node.name.value
        if name == ENTITIES:
            return self._length(node, "representations")
        return sizes.get(name, UNDECLARED_LIST if declared is None else declared)

    def _declared_size(self, node: FieldNode, list_size: ListSize | None) -> int | None:
        """Return the number of items that the arguments of `node` ask for.

        Without such an argument, return the assumed size.
        """
        if list_size is None:
            return None
        slicing = list_size.slicing_arguments or ()
        given = [self._integer(argument.value) for argument in node.arguments or () if argument.name.value in slicing]
        numbers = [max(number, 0) for number in given if number is not None]
        return max(numbers) if numbers else list_size.assumed_size

    def _integer(self, value: ValueNode) -> int | None:
        """Return the number in a slicing argument, such as `first`.

        Return None if the value is null or not a valid GraphQL integer.
        """
        known = self._value(value)
        if isinstance(known, IntValueNode):
            known = int(known.value)
        is_number = isinstance(known, int | float) and not isinstance(known, bool)
        if not is_number or not GRAPHQL_MIN_INT <= known <= GRAPHQL_MAX_INT:
            return None
        # A JSON number such as 10.0 is coerced to an integer.
        return int(known) if known == int(known) else None

    def _length(self, node: FieldNode, argument_name: str) -> int:
        """Return the number of items of a list argument.

        A single value is coerced to a list with one item (GraphQL specification §3.11).
        """
        for argument in node.arguments or ():
            if argument.name.value == argument_name:
                known = self._value(argument.value)
                if isinstance(known, ListValueNode):
                    return len(known.values)
                return len(known) if isinstance(known, list) else 1
        return 0

    def _value(self, value: ValueNode) -> Any:
        """Return a literal, or the value that the client sent for a variable.

        If it sent none, return the variable's default.
        """
        if not isinstance(value, VariableNode):
            return value
        name = value.name.value
        return self.variables[name] if name in self.variables else self.defaults.get(name)

    def _applies(self, condition: str, parent: GraphQLObjectType) -> bool:
        if condition == parent.name:
            return True
        type_ = self.schema.get_type(condition)
        return is_abstract_type(type_) and self.schema.is_sub_type(type_, parent)

    def _is_left_out(self, node: SelectionNode) -> bool:
        """Whether `@skip` or `@include` excludes the selection."""
        for directive in node.directives or ():
            name = directive.name.value
            if name in {"skip", "include"} and directive.arguments:
                known = self._value(directive.arguments[0].value)
                flag = known if isinstance(known, bool) else getattr(known, "value", None)
                if flag is (name == "skip"):
                    return True
        return False
