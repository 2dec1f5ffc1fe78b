"""Descriptions: the most frequent one that is not empty, the first of equally frequent ones (composition §5.1)."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from router.composition.merge.merge_state import MergeState, Sources
    from router.composition.model import Element


def merge_description(state: MergeState, sources: Sources[Element], dest: Element, what: str) -> None:
    """Set `dest.description`; the hint is INCONSISTENT_DESCRIPTION."""
    texts = [(index, source.description) for index, source in sources.items() if source.description]
    counts = Counter(text for _, text in texts)
    if not counts:
        return
    # A Counter keeps the insertion order, and max returns the first of equal values.
    dest.description = max(counts, key=lambda text: counts[text])
    if len(counts) > 1:
        state.report.hint(
            "INCONSISTENT_DESCRIPTION",
            f"{what} has different descriptions in {state.names(index for index, _ in texts)}; "
            "the supergraph has the most frequent one.",
            state.places(sources),
        )
