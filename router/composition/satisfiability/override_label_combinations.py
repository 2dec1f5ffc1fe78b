"""List the combinations of active override labels for which satisfiability is checked.

For each `@override` with a label, the router decides whether the override applies to a request. If it applies, the
label is *active*. Every query must be resolvable for every combination of active labels.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from router.composition.merge.merge_state import MergeState, Override
    from router.composition.satisfiability.types_lost_by_extraction import LostTypes

# n labels have 2^n combinations, and each combination needs its own search: 64 searches for six labels.
_ALL_COMBINATIONS_UP_TO = 6


@dataclass(frozen=True, slots=True)
class LabelAssumption:
    """The assumption that certain override labels are active and all other labels are not.

    A field is *progressive* if a label decides which subgraph resolves the field. The router decides about labels only
    for fields of the client's operation, not for key fields and required fields that the router adds to fetches. So a
    key or `@requires` cannot rely on a progressive field.

    Attributes:
        overridden: Index of a subgraph → coordinates of the fields that are overridden in this subgraph under this
            assumption. The subgraph does not resolve them.
        progressive: Index of a subgraph → coordinates of the progressive fields. Each progressive field is listed for
            the overriding and for the overridden subgraph.
    """

    overridden: Mapping[int, Collection[str]]
    progressive: Mapping[int, Collection[str]]


def label_assumptions(state: MergeState, lost_types: LostTypes) -> Iterator[LabelAssumption]:
    """Yield one assumption for each combination of active labels (composition §9.3).

    If the supergraph has more than six labels, only these combinations are checked: no active label, all labels active,
    and each label alone.
    """
    labels = {coordinate: _labels(lost_types, coordinate, override) for coordinate, override in state.overrides.items()}
    progressive: defaultdict[int, set[str]] = defaultdict(set)
    for coordinate, each in labels.items():
        for index in each:
            progressive[index].add(coordinate)
    for active in _combinations(sorted({label for each in labels.values() for label in each.values()})):
        overridden: defaultdict[int, set[str]] = defaultdict(set)
        for coordinate, override in state.overrides.items():
            for index in _not_resolving(override, labels[coordinate], active):
                overridden[index].add(coordinate)
        yield LabelAssumption(overridden, progressive)


def _labels(lost_types: LostTypes, coordinate: str, override: Override) -> Mapping[int, str]:
    """Return the labels of one field: index of a subgraph → label of the `@override`.

    The overriding and the overridden subgraph both have the label. Exception: the overriding subgraph can lose the
    field when a router extracts the subgraph (see `types_lost_by_extraction`). Then the overridden subgraph always
    resolves the field, so no labels are returned.
    """
    parent, _, name = coordinate.partition(".")
    for index in override.labels:
        if override.resolves(index):
            member = lost_types.state.subgraphs[index].schema.types[parent].fields[name]
            if not lost_types.keeps_type_of(index, member):
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
