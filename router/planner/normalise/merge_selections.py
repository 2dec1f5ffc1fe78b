"""Flatten the fragments on one object, and merge the selected fields with equal response keys.

    { id  ... on Book { title }  ... @include(if: $x) { id  author { name } } }

Flattened, this selection set has four selected fields (`items` in the code): `id`, `title` (only on the types {Book}),
`id` (only if $x is true) and `author` (only if $x is true). Merged for a Book, the fields are `id`, `title` and
`author`. The subselections of `author` are flattened later, as the selections on another object.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec
from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    InlineFragmentNode,
    get_named_type,
    is_composite_type,
    is_list_type,
    is_non_null_type,
    print_ast,
)
from msgspec.structs import replace

from router.federation.find_type_name_in_reference import TYPENAME
from router.plan.client_and_internal_response_keys import internal_key
from router.planner.normalise.argument_text import argument_text
from router.planner.normalise.directives_sent_to_subgraphs import NO_DIRECTIVES, ClientDirectives, DirectiveReader
from router.planner.normalise.read_defer_directive import is_deferred
from router.planner.normalise.skip_and_include_guards import Guards, narrowed, weakest

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence

    from graphql import (
        ArgumentNode,
        FragmentDefinitionNode,
        GraphQLOutputType,
        GraphQLSchema,
        SelectionSetNode,
    )

    from router.planner.normalise.directives_sent_to_subgraphs import FragmentDirectives

# The maximum number of selections that are flattened for one operation. Flattening this many takes about a second. The
# largest operations in practice have a few thousand fields, but nested fragments can select any number of fields.
MAX_SELECTIONS = 50_000


class TooComplexError(Exception):
    """The operation has more selections than can be planned in reasonable time (planning §3.24)."""


class SelectedField(msgspec.Struct, frozen=True):
    """A field that is selected on objects of the given `types`.

    If `types` is None, the field is selected on objects of all types.

    `deferred` has the `id()` of each deferred fragment around the field, outermost first. `directives` has those
    directives of the client that are sent to subgraphs.
    """

    node: FieldNode
    parent_type: str
    types: frozenset[str] | None
    guards: Guards
    deferred: tuple[int, ...] = ()
    directives: ClientDirectives = NO_DIRECTIVES


class NestedSelections(msgspec.Struct, frozen=True):
    """The selection set of a field.

    `guards` has the guards of the field and of all selections around the field. `type_name` is the type of the field as
    its parent type declares it: an object type can declare a narrower type than its interface.
    """

    selection_set: SelectionSetNode
    guards: Guards
    type_name: str


class MergedField(msgspec.Struct, frozen=True):
    """A field of an object, merged from the selected fields with the same response key, name, arguments and directives.

    The field is selected if all `guards` are true. `signature` is the name with the arguments as text. `below` has the
    subselections and is empty for a leaf field.
    """

    key: str
    name: str
    arguments: tuple[ArgumentNode, ...]
    signature: str
    guards: Guards
    type_name: str
    list_depth: int
    below: tuple[NestedSelections, ...] = msgspec.field(default=())
    directives: ClientDirectives = NO_DIRECTIVES

    @property
    def is_leaf(self) -> bool:
        """Whether the field has no subselections."""
        return not self.below


class _Scope(NamedTuple):
    """The context of a selection set.

    Attributes:
        type_name: The parent type.
        possible: The possible types of the object.
        deferred: The `id()` of each deferred fragment around the selection set, outermost first.
        around: The directives of the fragments around the selection set, outermost first.
    """

    type_name: str
    possible: frozenset[str]
    deferred: tuple[int, ...] = ()
    around: tuple[FragmentDirectives, ...] = ()


class Normaliser:
    """Flattens and merges selections, for one schema and the fragments of one document.

    `deferring` has the variables of `@defer(if:)` that are true. If `deferring` is None, no fragment is deferred.
    `directives` reads the directives in the client's operation. Several normalisers can share this reader.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: Mapping[str, FragmentDefinitionNode],
        possible: Callable[[str], frozenset[str]],
        deferring: Container[str] | None = None,
        directives: DirectiveReader | None = None,
    ) -> None:
        self._deferring = deferring
        self._schema = schema
        self._fragments = fragments
        self._possible = possible
        self._directives = DirectiveReader(schema.directives) if directives is None else directives
        self._selections_left = MAX_SELECTIONS
        self._texts: dict[int, str] = {}
        self._outputs: dict[tuple[str, str], tuple[str, int] | None] = {}

    def selected_fields(self, below: Iterable[NestedSelections], type_name: str) -> list[SelectedField]:
        """Return all fields that the selection sets `below` select on an object of type `type_name`, in document order.

        Raises:
            TooComplexError: The operation has more selections than can be planned.
        """
        possible_types = self._possible(type_name)
        found: list[SelectedField] = []
        for entry in below:
            common = possible_types & self._possible(entry.type_name)
            if common or entry.type_name == type_name:
                types = None if common == possible_types else common
                found += self._flatten(
                    entry.selection_set, _Scope(entry.type_name, possible_types), types, entry.guards
                )
        return found

    def _flatten(
        self, selection_set: SelectionSetNode, scope: _Scope, types: frozenset[str] | None, guards: Guards
    ) -> Iterator[SelectedField]:
        type_name, possible, deferred, around = scope
        self._selections_left -= len(selection_set.selections)
        if self._selections_left < 0:
            raise TooComplexError
        for selection in selection_set.selections:
            inner = narrowed(guards, selection.directives)
            if inner is None:
                continue
            if isinstance(selection, FieldNode):
                directives = NO_DIRECTIVES
                if selection.directives or around:
                    directives = self._directives.of_field(selection.directives, around)
                yield SelectedField(selection, type_name, types, inner, deferred, directives)
                continue
            assert isinstance(selection, FragmentSpreadNode | InlineFragmentNode)  # noqa: S101 - else a fragment
            definition = (
                self._fragments[selection.name.value] if isinstance(selection, FragmentSpreadNode) else selection
            )
            condition = type_name if definition.type_condition is None else definition.type_condition.name.value
            own = self._directives.of_fragment(selection, self._fragments)
            possible_types = possible if types is None else types
            common = possible_types & self._possible(condition)
            if common or condition == type_name:
                later = (*deferred, id(selection)) if is_deferred(selection, self._deferring) else deferred
                yield from self._flatten(
                    definition.selection_set,
                    _Scope(condition, possible, later, (*around, *own) if own else around),
                    types if common == possible_types else common,
                    inner,
                )

    def merged(self, items: Sequence[SelectedField], type_name: str) -> list[MergedField]:
        """Merge the selected fields of one object by response key. The fields keep the order of first appearance."""
        return [selection for group in grouped(items) for selection in self._merge(group, type_name)]

    def _merge(self, items: Sequence[SelectedField], parent_type: str) -> Iterator[MergedField]:
        if len(items) > 1:
            for item in items:
                if item.directives.text != items[0].directives.text:
                    for alike in _by_directives(items):
                        yield from self._merge(alike, parent_type)
                    return
        node = items[0].node
        output = self._output(parent_type, node.name.value)
        type_name, list_depth = output or self.output(items[0])
        alternatives = [items[0].guards] if len(items) == 1 else weakest(item.guards for item in items)
        for guards in alternatives:
            below = distinct(
                NestedSelections(item.node.selection_set, item.guards, self.output(item)[0])
                for item in items
                if item.node.selection_set is not None and guards <= item.guards
            )
            yield MergedField(
                internal_key(node),
                node.name.value,
                tuple(node.arguments or ()),
                signature(node),
                guards,
                type_name,
                list_depth,
                below,
                items[0].directives,
            )

    def folded(self, items: Sequence[SelectedField], type_name: str, types: frozenset[str]) -> list[SelectedField]:
        """Replace equal fields under different type conditions by one field, if the conditions cover all of `types`.

        ... on A { next { x } }  ... on B { next { x } }     =>     next { x }      if the object is an A or a B
        """
        alike: dict[tuple[str, str, Guards, str], list[SelectedField]] = {}
        for item in items:
            if item.types is not None and self._output(type_name, item.node.name.value) == self.output(item):
                alike.setdefault(self._fingerprint(item), []).append(item)
        replaced: dict[int, SelectedField | None] = {}
        for same in alike.values():
            if len(same) > 1 and types <= frozenset().union(*(item.types or () for item in same)):
                replaced |= {id(item): None for item in same}
                replaced[id(same[0])] = replace(same[0], types=None)
        changed = (replaced.get(id(item), item) for item in items)
        return [item for item in changed if item is not None]

    def _fingerprint(self, item: SelectedField) -> tuple[str, str, Guards, str]:
        below = item.node.selection_set
        text = ""
        if below is not None:
            text = self._texts.get(id(below)) or print_ast(below)
            self._texts[id(below)] = text
        return internal_key(item.node), signature(item.node), item.guards, item.directives.text + text

    def split_keys(self, items_by_type: Mapping[str, Sequence[SelectedField]]) -> frozenset[str]:
        """Return the response keys of fields whose subfields differ between the types (here, `x` is two fields).

        ... on A { next { x } }  ... on B { next { x: y } }     =>     {"next"}
        """
        split: set[str] = set()
        by_key: dict[str, dict[str, list[SelectedField]]] = {}
        for type_name, items in items_by_type.items():
            for item in items:
                if item.node.selection_set is not None:
                    by_key.setdefault(internal_key(item.node), {}).setdefault(type_name, []).append(item)
        for key, per_type in by_key.items():
            nodes = {frozenset(id(item.node) for item in items) for items in per_type.values()}
            if len(nodes) > 1 and self._differs(per_type):
                split.add(key)
        return frozenset(split)

    def _differs(self, per_type: Mapping[str, Sequence[SelectedField]]) -> bool:
        """Return whether subselections, at any depth, use one response key for different fields or arguments."""
        signatures: dict[tuple[str, ...], str] = {}
        pending: list[tuple[tuple[str, ...], list[SelectedField]]] = [((), list(items)) for items in per_type.values()]
        while pending:
            path, items = pending.pop()
            for item in items:
                here = (*path, internal_key(item.node))
                wanted = signature(item.node)
                # On the object itself (empty `path`), two types may use one response key for different fields.
                if path and signatures.setdefault(here, wanted) != wanted:
                    return True
                if item.node.selection_set is not None:
                    target, _ = self.output(item)
                    below = NestedSelections(item.node.selection_set, item.guards, target)
                    pending.append((here, self.selected_fields([below], target)))
        return False

    def output(self, item: SelectedField) -> tuple[str, int]:
        """Return the named type of a selected field, and the number of list wrappers: `[[Book!]]` is `Book`, 2."""
        output = self._output(item.parent_type, item.node.name.value)
        assert output is not None  # noqa: S101 - the operation is valid
        return output

    def _output(self, parent_type: str, name: str) -> tuple[str, int] | None:
        if name == TYPENAME:
            return "String", 0
        key = (parent_type, name)
        if key not in self._outputs:
            definition = self._schema.type_map[parent_type]
            field = None
            if isinstance(definition, GraphQLObjectType | GraphQLInterfaceType):
                field = definition.fields.get(name)
            self._outputs[key] = None if field is None else _unwrapped(field.type)
        return self._outputs[key]

    def target(self, parent_type: str, name: str) -> str:
        """Return the type of the field without its list and non-null wrappers, such as `Book` for `[Book!]!`."""
        output = self._output(parent_type, name)
        assert output is not None  # noqa: S101 - the operation is valid
        return output[0]

    def is_narrower(self, type_name: str, condition: str) -> bool:
        """Return whether the type condition excludes some objects of the type."""
        return not self._possible(type_name) <= self._possible(condition)

    def is_composite(self, type_name: str) -> bool:
        """Return whether fields of this type need subselections."""
        return is_composite_type(self._schema.type_map.get(type_name))


def _unwrapped(type_: GraphQLOutputType) -> tuple[str, int]:
    name, depth = get_named_type(type_).name, 0
    while is_non_null_type(type_) or is_list_type(type_):
        depth += is_list_type(type_)
        type_ = type_.of_type
    return name, depth


def _by_directives(items: Iterable[SelectedField]) -> Iterable[list[SelectedField]]:
    alike: dict[str, list[SelectedField]] = {}
    for item in items:
        alike.setdefault(item.directives.text, []).append(item)
    return alike.values()


def distinct(below: Iterable[NestedSelections]) -> tuple[NestedSelections, ...]:
    """Drop duplicate selection sets. A fragment that is spread twice makes duplicates."""
    below = tuple(below)
    if len(below) <= 1:
        return below
    return tuple({(id(entry.selection_set), entry.guards, entry.type_name): entry for entry in below}.values())


def grouped(items: Iterable[SelectedField]) -> list[list[SelectedField]]:
    """Group the selected fields: the fields of one group have the same response key and the same signature."""
    groups: dict[tuple[str, str], list[SelectedField]] = {}
    for item in items:
        groups.setdefault((internal_key(item.node), signature(item.node)), []).append(item)
    return list(groups.values())


def signature(node: FieldNode) -> str:
    """Return the name and the sorted arguments of the field. On one object, equal signatures mean equal values."""
    if not node.arguments:
        return node.name.value
    arguments = sorted(argument_text(argument) for argument in node.arguments)
    return f"{node.name.value}({','.join(arguments)})"
