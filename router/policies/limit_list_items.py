"""Refuses an operation if its lists can have too many items.

The number is estimated with `@listSize`, before any fetch.

Specification: https://ibm.github.io/graphql-specs/cost-spec.html. The size of a list is its largest slicing argument,
such as `first: 10`. Without such an argument, it is `assumedSize`. The lists inside a list are counted for each item of
the outer list, so the sizes of nested lists are multiplied:

    { accounts(first: 10) { nodes { transactions(first: 20) { nodes { id } } } } }      10 + 10 * 20 = 210 items

A list without `@listSize` does not count. Fields that `@skip` or `@include` excludes do not count. The lists of an
operation are found once for each document. For each request, only the sizes are computed from the variables, in time
that is linear in the number of lists. The estimates for the variables of earlier requests are cached.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec
from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    InlineFragmentNode,
    get_named_type,
)

from router.errors import LimitExceeded
from router.pipeline.stage import Stage
from router.policies.estimates_by_variables import EstimatesByVariables
from router.policies.read_conditions_and_list_sizes import (
    Variable,
    conditions_of,
    defaults_of,
    list_size_of,
    number_of,
    value_of,
    with_variables,
)
from router.preparation.read_and_cache_documents import bounded_nesting

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from graphql import GraphQLNamedType, SelectionNode, SelectionSetNode

    from router.get_operation import PreparedOperation
    from router.pipeline.request_context import RequestContext
    from router.policies.limit_checker import LimitChecker
    from router.policies.policy_setup import PolicySetup
    from router.preparation.operation_seen_by_stages import Operation

CODE: Final = "QUERY_TOO_EXPENSIVE"
# The largest reported estimate. A larger estimate is reported as this number.
_MAX_REPORTED_ESTIMATE: Final = 10**15


class _Size(msgspec.Struct, frozen=True):
    """The size of a list. It is the largest slicing argument in `given`; without such an argument, it is `assumed`."""

    given: tuple[object, ...]
    assumed: int


class _Selected(msgspec.Struct, frozen=True, eq=False):
    """A field or a fragment in an operation.

    `inner` has the lists with a size inside the field or fragment, and the selections that contain such lists.

    Attributes:
        key: the response key; empty for a fragment.
        conditions: for each `@skip` and `@include`, the value of `if`, and the value for which the selection is
            included.
        size: the number of items, None if this is not a list with a size.
    """

    key: str
    conditions: tuple[tuple[object, bool], ...]
    size: _Size | None
    inner: tuple[_Selected, ...]


class _Estimate(msgspec.Struct, frozen=True):
    items: int
    path: tuple[str, ...]


_Estimates: TypeAlias = EstimatesByVariables[_Estimate]


class ListItems(Stage):
    """Estimates how many list items each operation can have.

    An operation is refused if its estimate is larger than `limits.list_items`.
    """

    def __init__(self, inputs: PolicySetup, directive: str, max_items: int) -> None:
        self._checker: LimitChecker = inputs.limits
        self._max_items = max_items
        self._enforced = inputs.settings.limits.enforces("list_items")
        self._directive = directive

    @classmethod
    def configured(cls, inputs: PolicySetup) -> ListItems | None:
        """Return the stage, or None if the limit is off or the supergraph does not have `@listSize`."""
        directive, max_items = inputs.supergraph.list_size_directive, inputs.settings.limits.list_items
        return cls(inputs, directive, max_items) if directive is not None and max_items is not None else None

    async def on_operation(self, context: RequestContext, operation: Operation) -> None:
        """Refuse the operation if its estimate is above the limit.

        Raises:
            LimitExceeded: The operation can have too many items. The error has the estimate and the limit.
        """
        notes = operation.client.notes
        estimates = notes.get(self)
        if estimates is None:
            estimates = notes[self] = self._estimates(operation.client)
        assert isinstance(estimates, EstimatesByVariables)  # noqa: S101 - only this stage uses this key
        estimate: _Estimate = estimates.of(context.variables)
        if estimate.items <= self._max_items or self._checker.within("list_items", estimate.items):
            return
        if not self._enforced:
            context.record.exceeds += ("list_items",)
            return
        raise LimitExceeded(
            CODE,
            f"The lists of the operation can have {estimate.items} items, more than {self._max_items};"
            f" most of them are at '{'.'.join(estimate.path)}'.",
            extensions={"estimate": estimate.items, "limit": self._max_items},
        )

    def _estimates(self, operation: PreparedOperation) -> _Estimates:
        """Find the lists of an operation, once for all requests with this operation."""
        root = operation.api_schema.get_root_type(operation.definition.operation)
        with bounded_nesting():
            lists = _Finder(operation, self._directive).find(operation.definition.selection_set, root, {})
            names = set(_variables_of(lists, set()))
        defaults = defaults_of(operation)

        def estimate(variables: Mapping[str, object]) -> _Estimate:
            with bounded_nesting():
                return _Evaluation({**defaults, **variables}).total(lists)

        return EstimatesByVariables(names, estimate)


def _variables_of(selections: Sequence[_Selected], known: set[int]) -> Iterator[str]:
    """Yield the variables on which the sizes and conditions depend. `known` has the ids of visited selections."""
    for selected in selections:
        if id(selected) in known:
            continue
        known.add(id(selected))
        sizes = selected.size.given if selected.size is not None else ()
        for value in (*sizes, *(value for value, _keeps in selected.conditions)):
            if isinstance(value, Variable):
                yield value.name
        yield from _variables_of(selected.inner, known)


class _Finder(msgspec.Struct):
    """Finds the lists in an operation.

    The field around a fragment spread can set the sizes of lists in the fragment (`sizedFields`). So a fragment is
    processed once for each combination of such sizes.
    """

    operation: PreparedOperation
    directive: str
    fragments: dict[tuple[str, frozenset[str]], tuple[_Selected, ...]] = msgspec.field(default_factory=dict)

    def find(
        self, selections: SelectionSetNode, parent: GraphQLNamedType | None, sizes: Mapping[str, _Size]
    ) -> tuple[_Selected, ...]:
        """Return the lists that have a size, and the selections that contain such lists.

        If the `@listSize` of the parent field has `sizedFields`, the size belongs to these subfields, not to the parent
        field. `sizes` has the sizes of the subfields, by field name.
        """
        return tuple(
            found
            for selection in selections.selections
            for found in self._one(selection, parent, sizes)
            if found.size is not None or found.inner
        )

    def _one(
        self, selection: SelectionNode, parent: GraphQLNamedType | None, sizes: Mapping[str, _Size]
    ) -> Iterator[_Selected]:
        conditions = tuple(conditions_of(selection))
        match selection:
            case FieldNode():
                yield self._field(selection, parent, sizes, conditions)
            case InlineFragmentNode(type_condition=condition, selection_set=inner):
                type_ = parent if condition is None else self._type(condition.name.value)
                yield _Selected("", conditions, None, self.find(inner, type_, sizes))
            case FragmentSpreadNode(name=name):
                yield _Selected("", conditions, None, self._fragment(name.value, sizes))

    def _fragment(self, name: str, sizes: Mapping[str, _Size]) -> tuple[_Selected, ...]:
        key = (name, frozenset(map(str, sizes.items())))
        if key not in self.fragments:
            fragment = self.operation.fragments[name]
            type_ = self._type(fragment.type_condition.name.value)
            self.fragments[key] = self.find(fragment.selection_set, type_, sizes)
        return self.fragments[key]

    def _field(
        self,
        node: FieldNode,
        parent: GraphQLNamedType | None,
        sizes: Mapping[str, _Size],
        conditions: tuple[tuple[object, bool], ...],
    ) -> _Selected:
        key = node.alias.value if node.alias is not None else node.name.value
        if not isinstance(parent, GraphQLObjectType | GraphQLInterfaceType) or node.name.value not in parent.fields:
            return _Selected(key, conditions, None, ())  # `__typename` and introspection do not count
        definition = parent.fields[node.name.value]
        size, inner_sizes = sizes.get(node.name.value), {}
        declared = list_size_of(definition, self.directive)
        if declared is not None:
            arguments = {argument.name.value: value_of(argument.value) for argument in node.arguments or ()}
            own = _Size(
                tuple(arguments[name] for name in sorted(declared.slicing & set(arguments))), declared.assumed or 0
            )
            if declared.sized:
                inner_sizes = dict.fromkeys(declared.sized, own)
            else:
                size = own
        inner: tuple[_Selected, ...] = ()
        if node.selection_set is not None:
            inner = self.find(node.selection_set, get_named_type(definition.type), inner_sizes)
        return _Selected(key, conditions, size, inner)

    def _type(self, name: str) -> GraphQLNamedType | None:
        return self.operation.api_schema.type_map.get(name)


class _Evaluation(msgspec.Struct):
    """Computes the estimate with the variables of one request.

    `known` caches estimates, so that a shared fragment is estimated once.
    """

    variables: Mapping[str, object]
    known: dict[int, _Estimate] = msgspec.field(default_factory=dict)

    def total(self, selections: Sequence[_Selected]) -> _Estimate:
        """Return the number of items of all `selections`, and the path of the largest selection."""
        estimates = [self._of(selected) for selected in selections]
        items = min(sum(each.items for each in estimates), _MAX_REPORTED_ESTIMATE)
        return _Estimate(items, max(estimates, key=lambda each: each.items).path if estimates else ())

    def _of(self, selected: _Selected) -> _Estimate:
        found = self.known.get(id(selected))
        if found is None:
            found = self.known[id(selected)] = self._estimate(selected)
        return found

    def _estimate(self, selected: _Selected) -> _Estimate:
        if any(with_variables(value, self.variables) is not keeps for value, keeps in selected.conditions):
            return _Estimate(0, ())
        inner = self.total(selected.inner)
        items = inner.items
        if selected.size is not None:
            items = min(self._size(selected.size) * (1 + items), _MAX_REPORTED_ESTIMATE)
        return _Estimate(items, (selected.key, *inner.path) if selected.key else inner.path)

    def _size(self, size: _Size) -> int:
        numbers = [
            number for value in size.given if (number := number_of(with_variables(value, self.variables))) is not None
        ]
        return max(numbers) if numbers else size.assumed
