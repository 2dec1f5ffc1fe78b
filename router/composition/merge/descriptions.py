"""Merge descriptions: the supergraph has the most frequent description that is not empty (composition §5.1)."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from router.composition.merge.merge_state import MergeState, Sources
    from router.composition.model import Element


def merge_description(state: MergeState, sources: Sources[Element], dest: Element, what: str) -> None:
    """Set `dest.description`. Reports the hint INCONSISTENT_DESCRIPTION if descriptions differ."""
    texts = [(index, source.description) for index, source in sources.items() if source.description]
    counts = Counter(text for _, text in texts)
    if not counts:
        return
    # Of equally frequent descriptions, `max` returns the one of the first subgraph.
    dest.description = max(counts, key=lambda text: counts[text])
    if len(counts) > 1:
        state.report.hint(
            "INCONSISTENT_DESCRIPTION",
            f"{what} has different descriptions in {state.names(index for index, _ in texts)}; "
            "the supergraph has the most frequent one.",
            state.places(sources),
        )
