"""Removes from an operation the fields that a client may not read.

The result has two versions of the operation. The planned version lacks the refused fields. The client's version still
has them, with a mark, because the response has null for each of them. Example:

    operation       { me { id secret }  posts { title ... on Draft { text } } }
    planned         { me { id }         posts { title ... on Draft { __typename } } }
    client          { me { id secret!!} posts { title ... on Draft { text!! } } }        !! marks a refused field

A field is refused if one of its clauses does not hold, or if the field is in a fragment on a type with a clause that
does not hold. `__typename` is never refused, because it reveals nothing about the fields of an object.

If all subfields of a field are refused, the field is usually not fetched either: `{ me { secret } }` fetches nothing.
But a refused subfield can have `@skip` or `@include`, or be in a fragment that applies only to some types. Then the
planned version selects `__typename` instead of the subfield. So the response has a null and an error only where the
client would have received the subfield.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    NamedTypeNode,
    NameNode,
    SelectionSetNode,
)

from router.policies.authorization.selection_conditions import always_applies, field_type_name, is_conditional
from router.request.withheld_fields import emptied, refused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from graphql import SelectionNode

    from router.get_operation import PreparedOperation
    from router.policies.authorization.requirements import Requirement, SchemaRequirements

_TYPENAME: Final = FieldNode(name=NameNode(value="__typename"), directives=(), arguments=())


class FilteredOperation(NamedTuple):
    """The two versions of an operation for a client that may not read all fields of the operation.

    Attributes:
        client: The client's operation. The fields that the client may not read are marked.
        planned: The part of the operation that is planned and fetched.
        coordinates: The refused fields, such as `User.email`, each once.
    """

    client: PreparedOperation
    planned: PreparedOperation
    coordinates: tuple[str, ...]


class _Parts(NamedTuple):
    """The client's version and the planned version of some selections.

    `is_removable` is False if a selection is missing in `planned` and has a condition: `@skip`, `@include`, or a type
    condition that may not apply. If `is_removable` is True and `planned` is empty, the parent field need not be
    fetched.
    """

    client: tuple[SelectionNode, ...] = ()
    planned: tuple[SelectionNode, ...] = ()
    is_removable: bool = True


def filter_operation(
    operation: PreparedOperation, requirements: SchemaRequirements, failed: Requirement
) -> FilteredOperation:
    """Return the two versions of an operation. `failed` has the clauses that do not hold for the client."""
    root = operation.api_schema.get_root_type(operation.definition.operation)
    if root is None:
        raise TypeError("the schema must have the root type of a valid operation")
    work = _Filter(operation, requirements, failed)
    parts = work.selections(operation.definition.selection_set, root.name, is_refused=False)

    def prepared(
        selections: tuple[SelectionNode, ...], fragments: dict[str, FragmentDefinitionNode]
    ) -> PreparedOperation:
        definition = replace(operation.definition, selection_set=SelectionSetNode(selections=selections))
        return replace(operation, definition=definition, fragments=fragments)

    client = replace(prepared(parts.client, work.client_fragments), withholds=True)
    planned = prepared(parts.planned or (_TYPENAME,), work.planned_fragments)
    return FilteredOperation(client, planned, tuple(work.coordinates))


class _Filter(msgspec.Struct):
    """Makes the two versions of one operation.

    If a named fragment is spread inside a refused fragment or field, the operation gets a copy of the named fragment in
    which all fields are refused.
    """

    operation: PreparedOperation
    requirements: SchemaRequirements
    failed: Requirement
    client_fragments: dict[str, FragmentDefinitionNode] = msgspec.field(default_factory=dict)
    planned_fragments: dict[str, FragmentDefinitionNode] = msgspec.field(default_factory=dict)
    fragment_parts: dict[str, _Parts] = msgspec.field(default_factory=dict)
    coordinates: dict[str, None] = msgspec.field(default_factory=dict)

    def selections(self, selections: SelectionSetNode, parent: str, *, is_refused: bool) -> _Parts:
        """Return both versions of the selections on type `parent`. If `is_refused` is True, every field is refused."""
        parts = [self._one(selection, parent, is_refused=is_refused) for selection in selections.selections]
        return _Parts(
            tuple(each for part in parts for each in part.client),
            tuple(each for part in parts for each in part.planned),
            all(part.is_removable for part in parts),
        )

    def _one(self, selection: SelectionNode, parent: str, *, is_refused: bool) -> _Parts:
        match selection:
            case FieldNode():
                return self._field(selection, parent, is_refused=is_refused)
            case InlineFragmentNode():
                return self._inline(selection, parent, is_refused=is_refused)
            case FragmentSpreadNode():
                return self._spread(selection, parent, is_refused=is_refused)
        raise TypeError("a selection is a field or a fragment")

    def _inline(self, node: InlineFragmentNode, parent: str, *, is_refused: bool) -> _Parts:
        name = parent if node.type_condition is None else node.type_condition.name.value
        parts = self.selections(node.selection_set, name, is_refused=is_refused or self._is_refused_type(name))
        client = replace(node, selection_set=SelectionSetNode(selections=parts.client))
        planned = replace(node, selection_set=SelectionSetNode(selections=parts.planned))
        both = _Parts((client,), (planned,) if parts.planned else (), parts.is_removable)
        return self._fragment(node, name, parent, both)

    def _field(self, node: FieldNode, parent: str, *, is_refused: bool) -> _Parts:
        name = node.name.value
        if name.startswith("__"):
            return _Parts((node,), (node,))
        if is_refused or not self.failed.isdisjoint(self.requirements.of_field(parent, name)):
            client = refused(self._all_refused(node, parent))
            self.coordinates[f"{parent}.{name}"] = None
            return _Parts((client,), (), not is_conditional(node))
        type_name = field_type_name(self.operation.api_schema, parent, name)
        if node.selection_set is None or type_name is None:
            return _Parts((node,), (node,))
        parts = self.selections(node.selection_set, type_name, is_refused=False)
        client = replace(node, selection_set=SelectionSetNode(selections=parts.client))
        if not parts.planned and parts.is_removable:
            return _Parts((emptied(client),), (), not is_conditional(node))
        planned = replace(node, selection_set=SelectionSetNode(selections=parts.planned or (_TYPENAME,)))
        return _Parts((client,), (planned,))

    def _all_refused(self, node: FieldNode, parent: str) -> FieldNode:
        """Return a copy of a refused field whose subfields are refused too.

        Another selection with the same response key may be allowed, for example in another fragment. The response
        merges both selections, and the refused subfields must stay hidden.
        """
        type_name = field_type_name(self.operation.api_schema, parent, node.name.value)
        if node.selection_set is None or type_name is None:
            return node
        before = dict(self.coordinates)
        parts = self.selections(node.selection_set, type_name, is_refused=True)
        self.coordinates = before
        return replace(node, selection_set=SelectionSetNode(selections=parts.client))

    def _is_refused_type(self, name: str) -> bool:
        return not self.failed.isdisjoint(self.requirements.of_type(name))

    def _fragment(self, node: SelectionNode, name: str, parent: str, parts: _Parts) -> _Parts:
        """Return both versions of a fragment.

        `name` is the type of the fragment. `parent` is the type on which the fragment is selected.

        If all fields of a fragment are refused, the planned version usually has no part of the fragment. But if the
        fragment has a condition, the planned version may need the fragment with only `__typename`.
        """
        if parts.planned:
            return parts._replace(is_removable=True)
        is_certain = always_applies(self.operation.api_schema, name, parent) and not is_conditional(node)
        if is_certain and parts.is_removable:
            return parts
        condition = NamedTypeNode(name=NameNode(value=name))
        only_type = SelectionSetNode(selections=(_TYPENAME,))
        placeholder = InlineFragmentNode(
            type_condition=condition, directives=node.directives or (), selection_set=only_type
        )
        return _Parts(parts.client, (placeholder,))

    def _spread(self, node: FragmentSpreadNode, parent: str, *, is_refused: bool) -> _Parts:
        fragment = self.operation.fragments[node.name.value]
        type_name = fragment.type_condition.name.value
        is_refused = is_refused or self._is_refused_type(type_name)
        name = self._version(node.name.value) if is_refused else node.name.value
        parts = self.fragment_parts.get(name)
        if parts is None:
            parts = self.selections(fragment.selection_set, type_name, is_refused=is_refused)
            self.fragment_parts[name] = parts
            self._define(self.client_fragments, fragment, name, parts.client)
            if parts.planned:
                self._define(self.planned_fragments, fragment, name, parts.planned)
        spread = replace(node, name=NameNode(value=name))
        return self._fragment(
            node, type_name, parent, _Parts((spread,), (spread,) if parts.planned else (), parts.is_removable)
        )

    def _version(self, name: str) -> str:
        """Return a new name for the copy of a fragment in which all fields are refused."""
        return f"{name}__refused" if f"{name}__refused" not in self.operation.fragments else self._version(f"{name}_")

    @staticmethod
    def _define(
        fragments: dict[str, FragmentDefinitionNode],
        original: FragmentDefinitionNode,
        name: str,
        selections: Iterable[SelectionNode],
    ) -> None:
        selection_set = SelectionSetNode(selections=tuple(selections))
        fragments[name] = replace(original, name=NameNode(value=name), selection_set=selection_set)
