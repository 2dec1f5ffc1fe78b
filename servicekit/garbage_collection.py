"""Makes Python's garbage collector run rarely in a process that serves requests.

A run stops all requests. With Python's defaults, a run begins after 700 new objects, and every hundredth run walks all
objects of the process, such as modules and the schema: several hundred thousand. Our requests leave no reference cycles
(`tests/reference_cycles.py`), so the collector is needed only for what libraries leave, for example after errors.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

THRESHOLDS: Final = (10_000, 3, 20)
"""The arguments of `gc.set_threshold`. They are higher than Python's defaults, because a request creates thousands of
objects. Together with `freeze`, these thresholds save 9 % of the CPU time of a request. With these thresholds, a
collection takes at most 28 ms while large operations are prepared. With 50,000 as the first threshold, a collection
takes 72 ms, and a request uses no less CPU time.

The third threshold bounds the memory of cyclic garbage. What a running request refers to while the second generation is
collected moves to the third one, and remains there, even if it is garbage, until the third one is collected. So the
garbage of at most 20 times the requests that run at once can remain."""


def freeze() -> None:
    """Exclude all objects that exist now (modules, schema, plans) from garbage collection. Make collections rarer."""
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
    # Python collects the third generation only if it has grown by a quarter since its last collection. Without this
    # collection of the few objects that are not frozen, it would have to grow by a quarter of the frozen objects.
    gc.collect()


def collect_and_freeze() -> None:
    """Call this once when the process is ready to serve. Garbage that is not collected now would never be freed."""
    gc.collect()
    freeze()


@contextmanager
def keeping_new_objects() -> Iterator[None]:
    """Let no garbage collection run inside. Afterwards, exclude all objects that then exist from garbage collection.

    This is for the start of a process: imports, and the first load of a supergraph. The first collection after them
    would visit all their objects, as would later ones: without this, garbage collection takes a quarter of the time
    until a router with a large supergraph serves. The little garbage in reference cycles from inside, about a thousand
    objects, is freed only after `gc.unfreeze`.

    If the work raises an error, nothing is excluded.
    """
    with paused():
        yield
        gc.freeze()


@contextmanager
def paused() -> Iterator[None]:
    """Let no garbage collection run inside. If two threads are inside, it may run when the first one leaves.

    This is for work that creates many objects that stay, such as importing modules and loading a supergraph: the
    collector would visit them again and again, and free almost nothing. With it, loading a supergraph takes twice as
    long, and imports a tenth longer.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
