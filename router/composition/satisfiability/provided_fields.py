"""Find the fields that a `@provides` makes resolvable.

For `book: Book @provides(fields: "author { name }")`, the fields are `Book.author` and, below it, `Author.name`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql.language import FieldNode, InlineFragmentNode

from router.composition.type_refs import base_name

if TYPE_CHECKING:
    from graphql.language import SelectionSetNode

    from router.composition.model import Schema

ProvidedFields = frozenset[tuple[str, "ProvidedFields"]]
"""Pairs of the coordinate of a provided field, such as `Book.author`, and the provided fields of the field's value."""

NOTHING_PROVIDED: ProvidedFields = frozenset()


def provided_fields(schema: Schema, type_name: str, selections: SelectionSetNode) -> ProvidedFields:
    """Return the fields that the field set of a `@provides` selects.

    If the field set selects a field of an interface, the field of the same name in each implementation is included.

    Args:
        schema: The schema of the subgraph.
        type_name: The type whose fields the field set selects.
        selections: The field set.
    """
    entries: set[tuple[str, ProvidedFields]] = set()
    for item in selections.selections:
        if isinstance(item, InlineFragmentNode):
            inner = item.type_condition.name.value if item.type_condition else type_name
            entries |= provided_fields(schema, inner, item.selection_set)
        elif isinstance(item, FieldNode):
            for name in {type_name, *schema.possible_types(type_name)}:
                member = schema.types[name].fields.get(item.name.value)
                if member is not None:
                    below = NOTHING_PROVIDED
                    if item.selection_set is not None:
                        below = provided_fields(schema, base_name(member.type), item.selection_set)
                    entries.add((member.coordinate, below))
    return frozenset(entries)
