"""Sets Python's garbage collector for a process that composes."""

from __future__ import annotations

import gc
from typing import Final

# How many objects a composition allocates between two collections. Syntax trees live until the composition ends, so a
# collection visits all of them and frees none: with Python's default threshold, composing fifty subgraphs of fifty
# types takes 1.7 times as long.
_YOUNG_OBJECTS: Final = 1_000_000


def expect_long_lived_objects() -> None:
    """Make collections rare in this process."""
    gc.set_threshold(_YOUNG_OBJECTS, *gc.get_threshold()[1:])
