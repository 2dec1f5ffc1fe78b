"""Override labels: which combinations are tried, and what each subgraph resolves under one of them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from router.composition.merge.state import MergeState, Override
    from router.composition.satisfiability.rebuilt import Rebuilt

# All assumptions about override labels are tried together up to this many labels: 2^6 walks.
_ALL_COMBINATIONS_UP_TO = 6


@dataclass(frozen=True, slots=True)
class Assumption:
    """What each subgraph, by its index, does not resolve while certain labels are active and the others are not.

    `moving` fields have a label on either side. No key and no `@requires` can rely on them: a label is decided for the
    fields of an operation, not for what the router fetches beside them.
    """

    overridden: Mapping[int, Collection[str]]
    moving: Mapping[int, Collection[str]]


def assumptions(state: MergeState, rebuilt: Rebuilt) -> Iterator[Assumption]:
    """Every combination of a few labels, of many only all, none and each by itself."""
    labels = {coordinate: _labels(rebuilt, coordinate, override) for coordinate, override in state.overrides.items()}
    moving: defaultdict[int, set[str]] = defaultdict(set)
    for coordinate, each in labels.items():
        for index in each:
            moving[index].add(coordinate)
    for active in _combinations(sorted({label for each in labels.values() for label in each.values()})):
        overridden: defaultdict[int, set[str]] = defaultdict(set)
        for coordinate, override in state.overrides.items():
            for index in _not_resolving(override, labels[coordinate], active):
                overridden[index].add(coordinate)
        yield Assumption(overridden, moving)


def _labels(rebuilt: Rebuilt, coordinate: str, override: Override) -> Mapping[int, str]:
    """The labels a consumer sees: none if the overriding subgraph's field, which has the label, is not rebuilt."""
    parent, _, name = coordinate.partition(".")
    for index in override.labels:
        if override.resolves(index):
            member = rebuilt.state.subgraphs[index].schema.types[parent].fields[name]
            if not rebuilt.has(index, member):
                return {}
    return override.labels


def _not_resolving(override: Override, labels: Mapping[int, str], active: Collection[str]) -> Iterator[int]:
    for index in override.used | override.unused:
        if index not in override.labels or labels.get(index) in active:
            yield index
    for index, label in labels.items():
        if override.resolves(index) and label not in active:
            yield index


def _combinations(labels: Sequence[str]) -> Iterator[frozenset[str]]:
    if len(labels) <= _ALL_COMBINATIONS_UP_TO:
        for flags in product((False, True), repeat=len(labels)):
            yield frozenset(label for label, active in zip(labels, flags, strict=True) if active)
        return
    yield frozenset()
    yield frozenset(labels)
    yield from (frozenset({label}) for label in labels)
