"""Descriptions: the most frequent non-empty one, the first of several; INCONSISTENT_DESCRIPTION if they differ."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from router.composition.merge.merge_state import MergeState, Sources
    from router.composition.model import Element


def merge_description(state: MergeState, sources: Sources[Element], dest: Element, what: str) -> None:
    texts = [(index, source.description) for index, source in sources.items() if source.description]
    counts = Counter(text for _, text in texts)
    if not counts:
        return
    # Counter keeps insertion order, and max takes the first of equals.
    dest.description = max(counts, key=lambda text: counts[text])
    if len(counts) > 1:
        state.report.hint(
            "INCONSISTENT_DESCRIPTION",
            f"{what} has different descriptions in {state.names(index for index, _ in texts)}; "
            "the supergraph has the most frequent one.",
            state.places(sources),
        )
