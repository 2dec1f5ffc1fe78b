"""Writes `requires` of a fetch node: the selections from which representations are built (planning §8.1).

For example, a fetch selects two fields. The first field needs `sku`. The second field needs `sku` and `f0`, and is
selected only if `$x` is true. The selections are then:

    ... on T { sku }     ... on T { sku f0 } (only if $x is true)

If `$x` is false, the earlier response may lack `f0`. This does no harm, because the second field is not selected.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, TypeAlias

from msgspec.structs import replace

from router.federation.find_type_name_in_reference import TYPENAME
from router.plan import InputField, InputFragment
from router.planner.normalise.skip_and_include_guards import weakest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from router.plan import InputSelection, Rewrite
    from router.planner.fetch.fetch_groups import RepresentationInput
    from router.planner.normalise.skip_and_include_guards import Guards

FieldPath: TypeAlias = tuple[str, ...]


def requires_of(inputs: Sequence[RepresentationInput], emitted: Guards) -> tuple[InputFragment, ...]:
    """Return the selections from which representations are built.

    A guard is a variable of `@skip` or `@include` with its required value. The fetch runs only if all `emitted` guards
    are true, so the selections do not repeat these guards.
    """
    by_type: dict[str, list[RepresentationInput]] = {}
    for entry in inputs:
        by_type.setdefault(entry.type_name, []).append(entry)
    return tuple(
        InputFragment(type_name, selections, _conditions(usages, emitted))
        for type_name, same_type in by_type.items()
        for usages, selections in _by_usages(same_type).items()
    )


def rewrites_of(inputs: Iterable[RepresentationInput]) -> tuple[Rewrite, ...]:
    """Return the changes to apply to the representations of these inputs before they are sent."""
    return tuple(dict.fromkeys(rewrite for entry in inputs for rewrite in entry.rewrites))


def _by_usages(inputs: Sequence[RepresentationInput]) -> dict[frozenset[Guards], tuple[InputSelection, ...]]:
    """Merge the selections of the inputs that have the same condition. Return the merged selections by condition.

    A condition consists of sets of guards, and is true if all guards of at least one set are true. The condition of an
    input is usually `usages`. But if the response has all fields of the input whenever the fetch runs, the input needs
    no own condition, and gets the condition of the fetch.
    """
    if len(inputs) == 1:
        (entry,) = inputs
        return {frozenset(entry.usages): (InputField(TYPENAME), *entry.selections)}
    runs = weakest(chain.from_iterable(entry.usages for entry in inputs))
    fetched: dict[FieldPath, list[Guards]] = {}
    for path, alternatives in chain.from_iterable(entry.fetched for entry in inputs):
        fetched.setdefault(path, []).extend(alternatives)
    lacking = {
        path
        for path, alternatives in fetched.items()
        if not all(any(guards <= run for guards in alternatives) for run in runs)
    }
    selections: dict[frozenset[Guards], tuple[InputSelection, ...]] = {}
    for entry in inputs:
        is_there = lacking.isdisjoint(path for path, _ in entry.fetched)
        usages = frozenset(runs if is_there else entry.usages)
        selections[usages] = _merged(selections.get(usages, (InputField(TYPENAME),)), entry.selections)
    return selections


def _conditions(usages: Iterable[Guards], emitted: Guards) -> tuple[tuple[tuple[str, bool], ...], ...]:
    """Return the sets of guards without the `emitted` guards. If a set has no other guards, return ().

    The empty result means that the condition is always true.
    """
    alternatives = sorted(tuple(sorted(guards - emitted)) for guards in usages)
    return () if () in alternatives else tuple(alternatives)


def _merged(first: tuple[InputSelection, ...], second: tuple[InputSelection, ...]) -> tuple[InputSelection, ...]:
    """Merge two tuples of selections, in the order of first appearance."""
    merged: dict[tuple[bool, str], InputSelection] = {}
    for selection in (*first, *second):
        is_field = isinstance(selection, InputField)
        key = (is_field, selection.name if isinstance(selection, InputField) else selection.type_condition)
        known = merged.get(key)
        if known is None:
            merged[key] = selection
        else:
            merged[key] = replace(known, selections=_merged(known.selections, selection.selections))
    return tuple(merged.values())
