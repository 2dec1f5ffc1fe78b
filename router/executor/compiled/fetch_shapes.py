"""Add to the shape of a response the fields that each fetch of the plan returns (execution §3).

The input is the shape with the fields that the client selected, and the fetches that run. The output is one `StepShape`
for each of these fetches. If a fetch returns fields that the client did not select, they are added to the shape as
hidden fields.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from graphql import get_named_type, is_abstract_type, is_composite_type

from router.executor.compiled.client_shape import field_type
from router.executor.compiled.find_context_ancestors import add_context_ancestors, context_values
from router.executor.compiled.interfaces_in_typename import interface_object_names, subtypes_of
from router.executor.compiled.response_shape import FieldShape, NotCompilable, ObjectShape, list_depth
from router.executor.graphql.type_relations import is_subtype, possible_names
from router.executor.interpreter.requests_in_plan import conditions_met
from router.executor.interpreter.rewrites import rename_in_path
from router.plan import Each, Key, KeyRenamer, OutputField, TypeIs, ValueSetter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from graphql import GraphQLSchema

    from router.executor.compiled.find_context_ancestors import ContextValue
    from router.executor.interpreter.requests_in_plan import FetchStep
    from router.plan import Fetch, OutputSelection, Path


@dataclass(frozen=True, slots=True)
class StepShape:
    """One fetch of the plan, with the shape of the objects to which the fetch adds fields.

    Attributes:
        step: The fetch with its path and conditions.
        target: The shape of the objects to which the fetch adds fields.
        types: The object types of `target` for which the fetch is sent.
        is_filtered: Whether the fetch is sent only for some object types of `target`.
        brought: Response key in the subgraph's response → the field of `target` that the fetch returns.
        sent_typenames: Each interface that representations have as `__typename` → its subtypes in `target.types`. The
            subgraph can send the names of these interfaces back.
        context: The values of `@fromContext` arguments.
    """

    step: FetchStep
    target: ObjectShape
    types: tuple[str, ...]
    is_filtered: bool
    brought: Mapping[str, FieldShape]
    sent_typenames: Mapping[str, tuple[str, ...]]
    context: tuple[ContextValue, ...] = ()

    @property
    def fetch(self) -> Fetch:
        """The fetch."""
        return self.step.fetch


@dataclass(slots=True)
class FetchShapes:
    """Adds the fetches of one plan to the shape `root`.

    The values in `variables` decide which selections are left out because of `@skip` and `@include`.
    """

    schema: GraphQLSchema
    root: ObjectShape
    variables: Mapping[str, object]
    numbers: Iterator[int]
    steps: list[StepShape] = field(default_factory=list)

    def add(self, step: FetchStep) -> StepShape:
        """Add a fetch. Before this call, add all fetches on which the fetch depends.

        Raises:
            NotCompilable: Generated code does not support the fetch.
        """
        fetch = step.fetch
        if not all(isinstance(rewrite, KeyRenamer) for rewrite in fetch.output_rewrites):
            raise NotCompilable("a value of a response is rewritten")
        target, types = self._target(step.path)
        if not fetch.requires and (len(target.types) > 1 or fetch.context_rewrites):
            raise NotCompilable("root fields are fetched for objects of several types")
        wanted = tuple(name for name in types if self._is_represented(fetch, name))
        brought = self._overlay(fetch, target, wanted, fetch.selections, is_top=True)
        context = context_values(self.schema, fetch, target)
        add_context_ancestors(target, context)
        sent = [one.value for one in fetch.input_rewrites if isinstance(one, ValueSetter)]
        subtypes = subtypes_of(self.schema, sent, target.types)
        shape = StepShape(step, target, wanted, len(wanted) < len(target.types), brought, subtypes, context)
        self.steps.append(shape)
        return shape

    def _is_represented(self, fetch: Fetch, typename: str) -> bool:
        """Return whether the fetch is sent for objects of the type `typename`. For a root fetch, return True."""
        return not fetch.requires or any(
            is_subtype(self.schema, typename, fragment.type_condition) for fragment in fetch.requires
        )

    def _target(self, path: Path) -> tuple[ObjectShape, tuple[str, ...]]:
        """Return the shape of the objects at `path`, and the object types that the type conditions of `path` allow."""
        at, types = self.root, self.root.types
        depth = 0
        for step in path:
            match step:
                case Key(name=name):
                    entered = at.fields.get(name)
                    if depth or entered is None or entered.child is None or not entered.sources:
                        raise NotCompilable("a path leads to no known object")
                    if any(typename not in types for typename in entered.sources):
                        raise NotCompilable("a path leads through objects of some types only")
                    depth = list_depth(next(iter(entered.types.values())))
                    at, types = entered.child, entered.child.types
                case Each():
                    depth -= 1
                case TypeIs(types=names):
                    types = tuple(name for name in types if name in names)
                case _:
                    raise NotCompilable("a path leads to a parent")
        if depth:
            raise NotCompilable("a path ends at a list")
        return at, types

    def _overlay(
        self,
        fetch: Fetch,
        target: ObjectShape,
        types: Iterable[str],
        selections: Iterable[OutputSelection],
        *,
        is_top: bool,
    ) -> dict[str, FieldShape]:
        """Add to the shape the fields that the fetch selects on objects of `types`.

        Returns:
            Response key in the subgraph's response → the field.
        """
        brought: dict[str, FieldShape] = {}
        below: dict[str, dict[str, tuple[OutputSelection, ...]]] = {}
        selections = tuple(selections)
        for typename in types:
            for key, fields in self._selected(typename, selections).items():
                shape = brought[key] = self._field(fetch, target, typename, (key, fields[0]))
                sources = shape.sources.setdefault(typename, [])
                if fetch.id not in sources:
                    sources.append(fetch.id)
                inner = tuple(selection for one in fields for selection in one.selections)
                if inner:
                    below.setdefault(key, {})[typename] = inner
        if any(key != shape.key for key, shape in brought.items()) and not is_top:
            raise NotCompilable("a key below an entity is renamed")
        for key, by_type in below.items():
            first = next(iter(by_type.values()))
            if any(_signature(other) != _signature(first) for other in by_type.values()):
                raise NotCompilable("what a fetch selects on a field depends on the type of its object")
            child = self._child(fetch, target, brought[key])
            self._overlay(fetch, child, child.types, first, is_top=False)
        return brought

    def _field(self, fetch: Fetch, target: ObjectShape, typename: str, selected: tuple[str, OutputField]) -> FieldShape:
        key, output = selected
        (*_, final) = rename_in_path(fetch.output_rewrites, (*_keys_below(fetch, target), key))
        shape = target.fields.setdefault(str(final), FieldShape(str(final), output.name))
        if shape.name != output.name:
            raise NotCompilable("a response key stands for different fields")
        if typename not in shape.types:
            shape.types[typename] = field_type(self.schema, typename, output.name)
        return shape

    def _child(self, fetch: Fetch, parent: ObjectShape, shape: FieldShape) -> ObjectShape:
        """Return the shape of the objects in a field that the fetch returns.

        If the client did not select the field, create a new shape.
        """
        if shape.child is None:
            named = {get_named_type(type_).name: get_named_type(type_) for type_ in shape.types.values()}
            if len(named) > 1:
                raise NotCompilable("the type of a field depends on the type of its object")
            ((name, inner),) = named.items()
            if not is_composite_type(inner):
                raise NotCompilable("a leaf has selections")
            is_abstract = is_abstract_type(inner)
            names = interface_object_names(self.schema, name) if is_abstract else ()
            types = (*possible_names(self.schema, name), *names)
            path = (*parent.path, shape.key)
            shape.child = ObjectShape(next(self.numbers), path, types, is_abstract, parent=(parent, shape))
            shape.child.interfaces = subtypes_of(self.schema, names, types)
        if fetch.id not in shape.child.sources:
            shape.child.sources.append(fetch.id)
        return shape.child

    def _selected(self, typename: str, selections: Iterable[OutputSelection]) -> dict[str, list[OutputField]]:
        """Return the fields that `selections` select on an object of the type `typename`, by response key."""
        found: dict[str, list[OutputField]] = {}
        for selection in selections:
            if not conditions_met(selection.conditions, self.variables):
                continue
            if isinstance(selection, OutputField):
                found.setdefault(selection.key, []).append(selection)
            elif selection.type_condition is None or is_subtype(self.schema, typename, selection.type_condition):
                for key, fields in self._selected(typename, selection.selections).items():
                    found.setdefault(key, []).extend(fields)
        return found


def _keys_below(fetch: Fetch, target: ObjectShape) -> tuple[str, ...]:
    """Return the response keys on the path from the objects of the fetch to `target`."""
    keys: list[str] = []
    while target.parent is not None and fetch.id in target.sources:
        parent, shape = target.parent
        keys.insert(0, shape.key)
        target = parent
    return tuple(keys)


def _signature(selections: Iterable[OutputSelection]) -> object:
    """Return a value for comparing selections: equal selections have equal values. Arguments are not compared."""
    return tuple(
        (one.key, one.name, one.conditions, _signature(one.selections))
        if isinstance(one, OutputField)
        else (one.type_condition, one.conditions, _signature(one.selections))
        for one in selections
    )
