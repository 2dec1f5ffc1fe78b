"""Merge descriptions: an element of the supergraph gets its most frequent non-empty description (composition §5.1)."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from router.composition.merge.merge_state import MergeState, Sources
    from router.composition.model import Element


def merge_description(state: MergeState, sources: Sources[Element], dest: Element, what: str) -> None:
    """Set `dest.description`, and report the hint INCONSISTENT_DESCRIPTION if non-empty descriptions differ."""
    texts = [(index, source.description) for index, source in sources.items() if source.description]
    if not texts:
        return
    counts = Counter(text for _, text in texts)
    # If several descriptions are equally frequent, `max` returns the description of the first subgraph.
    dest.description = max(counts, key=lambda text: counts[text])
    if len(counts) > 1:
        state.report.hint(
            "INCONSISTENT_DESCRIPTION",
            f"{what} has different descriptions in {state.names(index for index, _ in texts)}; "
            "the supergraph has the most frequent one.",
            state.places(sources),
        )
