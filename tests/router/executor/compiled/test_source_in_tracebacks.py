"""The source text of generated code is kept compressed until a traceback shows its lines."""

from __future__ import annotations

import gc
import linecache

from router.executor.compiled.source_in_tracebacks import new_filename, show_in_tracebacks

TEXT = "first = 1\nsecond = 2\n"


class Owner:
    """Generated code belongs to an object of this class."""


def test_the_lines_are_made_when_they_are_shown() -> None:
    owner, filename = Owner(), new_filename()
    show_in_tracebacks(owner, filename, TEXT)
    assert len(linecache.cache[filename]) == 1, "a lazy entry has no lines"
    assert linecache.getline(filename, 2) == "second = 2\n"
    linecache.checkcache(filename)
    assert linecache.getlines(filename) == TEXT.splitlines(keepends=True)


def test_the_lines_are_forgotten_with_their_owner() -> None:
    shown, never_shown = new_filename(), new_filename()
    owner = Owner()
    for filename in (shown, never_shown):
        show_in_tracebacks(owner, filename, TEXT)
    assert linecache.getline(shown, 1)
    del owner
    gc.collect()
    assert {shown, never_shown}.isdisjoint(linecache.cache)
