"""Override labels: which combinations satisfiability assumes, and which fields each subgraph resolves under one."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from router.composition.merge.merge_state import MergeState, Override
    from router.composition.satisfiability.extracted_subgraphs import ExtractedSubgraphs

# Up to this many labels, every combination is assumed: 2^6 searches.
_ALL_COMBINATIONS_UP_TO = 6


@dataclass(frozen=True, slots=True)
class LabelAssumption:
    """The fields that each subgraph does not resolve while certain labels are active and the others are not.

    No key and no `@requires` can rely on a moving field: the router decides a label for the fields of an operation, not
    for what it fetches in addition.

    Attributes:
        overridden: Index of a subgraph → coordinates of the fields that it does not resolve.
        moving: Index of a subgraph → coordinates of the fields for which a label decides whether it resolves them.
    """

    overridden: Mapping[int, Collection[str]]
    moving: Mapping[int, Collection[str]]


def label_assumptions(state: MergeState, extracted: ExtractedSubgraphs) -> Iterator[LabelAssumption]:
    """Every combination of up to six labels; of more labels none, all, and each by itself (composition §9.3)."""
    labels = {coordinate: _labels(extracted, coordinate, override) for coordinate, override in state.overrides.items()}
    moving: defaultdict[int, set[str]] = defaultdict(set)
    for coordinate, each in labels.items():
        for index in each:
            moving[index].add(coordinate)
    for active in _combinations(sorted({label for each in labels.values() for label in each.values()})):
        overridden: defaultdict[int, set[str]] = defaultdict(set)
        for coordinate, override in state.overrides.items():
            for index in _not_resolving(override, labels[coordinate], active):
                overridden[index].add(coordinate)
        yield LabelAssumption(overridden, moving)


def _labels(extracted: ExtractedSubgraphs, coordinate: str, override: Override) -> Mapping[int, str]:
    """The labels that a consumer sees: none if the overriding field, which has the label, is not extracted."""
    parent, _, name = coordinate.partition(".")
    for index in override.labels:
        if override.resolves(index):
            member = extracted.state.subgraphs[index].schema.types[parent].fields[name]
            if not extracted.has(index, member):
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
