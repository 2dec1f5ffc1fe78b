"""Finds removed elements that were probably renamed, and adds the new name to the message of the removal.

The result still has both changes, the removal and the addition, because a client sees a rename as these two changes.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from graphql import print_type

from router.schema_check.changes import Change, ChangeCode
from router.schema_check.diff.compare_inputs import default_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from graphql import GraphQLSchema

    from router.schema_check.diff.comparison import Comparison

# Maps the code of a removal to the code of the addition. Both together can be a rename.
_PAIRS: Final = {
    ChangeCode.TYPE_REMOVED: ChangeCode.TYPE_ADDED,
    ChangeCode.FIELD_REMOVED: ChangeCode.FIELD_ADDED,
    ChangeCode.INPUT_FIELD_REMOVED: ChangeCode.INPUT_FIELD_ADDED,
    ChangeCode.ARGUMENT_REMOVED: ChangeCode.ARGUMENT_ADDED,
}


def with_renames(comparison: Comparison) -> Sequence[Change]:
    """Return the changes. The message of a removal that seems to be a rename names the new element.

    Two elements have the same form if they have the same parent and their declarations differ only in name and
    description. A removal is a rename if the removed element is the only removed element with its form, and exactly one
    added element has the same form.
    """
    removed: dict[tuple[str, str, str], list[Change]] = {}
    added: dict[tuple[str, str, str], list[Change]] = {}
    for change in comparison.changes:
        if change.code in _PAIRS:
            key = (_PAIRS[change.code], *_form(comparison.old, change.coordinate))
            removed.setdefault(key, []).append(change)
        elif change.code in _PAIRS.values():
            added.setdefault((change.code, *_form(comparison.new, change.coordinate)), []).append(change)
    renamed = dict(_renames(removed, added))
    return [
        replace(change, message=f"{change.message[:-1]}; it seems to be renamed to {renamed[change.id]}.")
        if change.id in renamed
        else change
        for change in comparison.changes
    ]


def _renames(
    removed: dict[tuple[str, str, str], list[Change]], added: dict[tuple[str, str, str], list[Change]]
) -> Iterator[tuple[str, str]]:
    for key, changes in removed.items():
        candidates = added.get(key, [])
        if len(changes) == len(candidates) == 1:
            yield changes[0].id, candidates[0].coordinate


def _form(schema: GraphQLSchema, coordinate: str) -> tuple[str, str]:
    """Return the parent of an element, and the element's declaration without its name and its description."""
    if coordinate.endswith(":)"):
        field, _, argument_name = coordinate[:-2].partition("(")
        parent, _, name = field.partition(".")
        argument = schema.type_map[parent].fields[name].args[argument_name]  # type: ignore[attr-defined]
        return field, f"{argument.type} {default_text(argument)}"
    parent, _, name = coordinate.partition(".")
    if not name:
        return "", _type_form(schema, parent)
    member = schema.type_map[parent].fields[name]  # type: ignore[attr-defined]
    arguments = [f"{each}: {argument.type}" for each, argument in getattr(member, "args", {}).items()]
    return parent, f"{member.type} {Counter(arguments)}"


def _type_form(schema: GraphQLSchema, name: str) -> str:
    lines = print_type(schema.type_map[name]).replace(name, "…", 1).splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith('"'))
