"""Composes both versions of a check, at the same time if they are large."""

from __future__ import annotations

import gc
import os
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TYPE_CHECKING, Final

from router.composition import compose
from router.composition.pipeline import compose_with_document, read_valid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from multiprocessing.connection import Connection

    from graphql import DocumentNode

    from router.composition import Composition, Subgraph
    from router.composition.model import SubgraphSchema
    from router.schema_check.schema_sources import SchemaSource


@dataclass(frozen=True, slots=True)
class ComposedVersions:
    """The compositions of both versions. A version without subgraphs has the composition None.

    Attributes:
        proposed: The composition of the proposed version.
        proposed_document: The syntax tree of its supergraph (`compose_with_document`).
        wait_for_base: Returns the composition of the base as soon as it is ready.
    """

    proposed: Composition | None
    proposed_document: DocumentNode | None
    wait_for_base: Callable[[], Composition | None]


# Composing this much SDL takes half a second, as long as the start of a process. For less, one process is faster.
_LARGE_BYTES: Final = 200_000


@contextmanager
def composed_versions(base: SchemaSource | None, proposed: SchemaSource) -> Iterator[ComposedVersions]:
    """Compose both versions. Large versions are composed in two processes. Two equal versions are composed once.

    When the `with` block begins, the proposed version is ready. The second process may still be composing the base.
    """
    old = None if base is None else base.subgraphs
    new = proposed.subgraphs
    if old is None or new is None or set(old) == set(new):
        composition, document = (None, None) if new is None else compose_with_document(new)
        yield ComposedVersions(composition, document, lambda: composition if old and new else _composed(old))
    elif sum(len(subgraph.sdl) for subgraph in new) < _LARGE_BYTES or (os.cpu_count() or 1) == 1:
        yield ComposedVersions(*compose_with_document(new), lambda: compose(old))
    else:
        method = _start_method()
        # A fork has a copy of what this process has read. A new process reads all subgraphs itself, at the same time.
        known = read_valid({*old, *new}) if method == "fork" else {}
        with _composing_elsewhere(old, known, method) as wait:
            yield ComposedVersions(*compose_with_document(new, known), wait)


def _start_method() -> str:
    """A fork is faster than a new process, but safe only on Linux, and if this process has no other threads."""
    return "fork" if sys.platform == "linux" and threading.active_count() == 1 else "spawn"


@contextmanager
def _composing_elsewhere(
    subgraphs: Sequence[Subgraph], known: Mapping[Subgraph, SubgraphSchema], method: str
) -> Iterator[Callable[[], Composition]]:
    """Compose in a second process. Yield a function that waits for the result."""
    context = get_context("fork") if method == "fork" else get_context("spawn")
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=_compose_and_send, args=(subgraphs, known, gc.get_threshold(), sending))
    process.start()
    sending.close()

    def wait() -> Composition:
        try:
            found: Composition = receiving.recv()
        except EOFError:
            # The process was ended, for example because memory was short. One composition at a time needs less.
            return compose(subgraphs)
        return found

    try:
        yield wait
    finally:
        process.terminate()
        process.join()
        receiving.close()


def _compose_and_send(
    subgraphs: Sequence[Subgraph],
    known: Mapping[Subgraph, SubgraphSchema],
    thresholds: tuple[int, int, int],
    sending: Connection,
) -> None:
    gc.set_threshold(*thresholds)
    # What was read before the fork stays needed. Without this call, garbage collections would copy its memory.
    gc.freeze()
    sending.send(compose(subgraphs, known))
    sending.close()


def _composed(subgraphs: Sequence[Subgraph] | None) -> Composition | None:
    return None if subgraphs is None else compose(subgraphs)
