"""Composes both versions of a check, at the same time if they are large."""

from __future__ import annotations

import gc
import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING, Final

from router.composition import compose

if TYPE_CHECKING:
    from collections.abc import Sequence

    from router.composition import Composition, Subgraph
    from router.schema_check.schema_sources import SchemaSource

# To start a process takes half a second, in which this much SDL is composed.
_LARGE_BYTES: Final = 200_000


def compose_versions(
    base: SchemaSource | None, proposed: SchemaSource
) -> tuple[Composition | None, Composition | None]:
    """Return the compositions of both versions; None for a version that has no subgraphs.

    Large versions are composed in two processes. Equal subgraphs are composed once.
    """
    old = None if base is None else base.subgraphs
    new = proposed.subgraphs
    if old is None or new is None:
        return _composed(old), _composed(new)
    if set(old) == set(new):
        both = compose(new)
        return both, both
    if sum(len(subgraph.sdl) for subgraph in new) < _LARGE_BYTES or (os.cpu_count() or 1) == 1:
        return compose(old), compose(new)
    with ProcessPoolExecutor(1, get_context("spawn"), gc.set_threshold, gc.get_threshold()) as process:
        composing = process.submit(compose, old)
        composed = compose(new)
        return composing.result(), composed


def _composed(subgraphs: Sequence[Subgraph] | None) -> Composition | None:
    return None if subgraphs is None else compose(subgraphs)
