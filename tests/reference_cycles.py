"""Finds objects that remain in memory after their last use, because they refer to each other.

Only the garbage collector frees such objects. A process collects rarely, and until then the objects of thousands of
requests remain in memory.
"""

from __future__ import annotations

import gc
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

from servicekit.shared_deadlines import of_running_loop

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def reference_cycles(*packages: str) -> Iterator[Counter[str]]:
    """Yield a counter. After the block, it counts the objects that only the garbage collector can free.

    The counter's keys are the names of types, such as `router.pipeline.request_context.RequestContext`. Only objects
    whose type is defined in one of `packages` are counted. An event loop must be running.
    """
    counted: Counter[str] = Counter()
    of_running_loop()  # else, its first use in the block would drop the deadlines of an earlier test's event loop
    was_enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        yield counted
        gc.collect()
        names = (f"{type(each).__module__}.{type(each).__qualname__}" for each in gc.garbage)
        counted.update(name for name in names if name.startswith(packages))
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        if was_enabled:
            gc.enable()
