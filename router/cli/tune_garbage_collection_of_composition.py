"""Configures Python's garbage collector for a process that composes subgraphs."""

from __future__ import annotations

import atexit
import gc
from typing import Final

# How many objects a composition may allocate before the next garbage collection. The syntax trees are needed until the
# composition ends, so an earlier collection would visit them but free nothing. With Python's default threshold, the
# composition of 50 subgraphs with 50 types each takes 1.7 times as long. A check of 100 such subgraphs allocates more
# than a million objects; one collection of them takes a quarter of a second.
_YOUNG_OBJECTS: Final = 2_000_000


def expect_long_lived_objects() -> None:
    """Make garbage collections rare in this process, and leave out the collection at its end."""
    gc.set_threshold(_YOUNG_OBJECTS, *gc.get_threshold()[1:])
    # Python ends with a collection of all objects. It takes as long as any other, and the memory is freed anyway.
    atexit.register(gc.freeze)
