"""The garbage collector of a process that composes."""

from __future__ import annotations

import gc
from typing import Final

# Objects that a composition allocates between two collections. Syntax trees live until the composition ends, so each
# collection walks all of them and frees nothing: with Python's own thresholds, composing fifty subgraphs of fifty types
# takes 1.7 times as long.
_YOUNG_OBJECTS: Final = 1_000_000


def expect_long_lived_objects() -> None:
    """Let the collector of reference cycles run rarely in this process."""
    gc.set_threshold(_YOUNG_OBJECTS, *gc.get_threshold()[1:])
