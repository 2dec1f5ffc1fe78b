"""Composes both versions of a check, at the same time if they are large."""

from __future__ import annotations

import gc
import os
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TYPE_CHECKING, Final

from router.composition import compose

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from router.composition import Composition, Subgraph
    from router.schema_check.schema_sources import SchemaSource


@dataclass(frozen=True, slots=True)
class ComposedVersions:
    """The compositions of both versions. A version without subgraphs has the composition None.

    Attributes:
        proposed: The composition of the proposed version.
        wait_for_base: Returns the composition of the base as soon as it is ready.
    """

    proposed: Composition | None
    wait_for_base: Callable[[], Composition | None]


# Composing this much SDL takes half a second, as long as the start of a process. For less, one process is faster.
_LARGE_BYTES: Final = 200_000


@contextmanager
def composed_versions(base: SchemaSource | None, proposed: SchemaSource) -> Iterator[ComposedVersions]:
    """Compose both versions. Large versions are composed in two processes. Two equal versions are composed once.

    Inside the context, the proposed version is composed. The second process may still be composing the base.
    """
    old = None if base is None else base.subgraphs
    new = proposed.subgraphs
    if old is None or new is None or set(old) == set(new):
        composition = _composed(new)
        yield ComposedVersions(composition, lambda: composition if old and new else _composed(old))
    elif sum(len(subgraph.sdl) for subgraph in new) < _LARGE_BYTES or (os.cpu_count() or 1) == 1:
        yield ComposedVersions(compose(new), lambda: compose(old))
    else:
        with ProcessPoolExecutor(1, get_context("spawn"), gc.set_threshold, gc.get_threshold()) as process:
            composing = process.submit(compose, old)
            yield ComposedVersions(compose(new), composing.result)


def _composed(subgraphs: Sequence[Subgraph] | None) -> Composition | None:
    return None if subgraphs is None else compose(subgraphs)
