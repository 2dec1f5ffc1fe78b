from __future__ import annotations

import multiprocessing
import os
import signal
from typing import TYPE_CHECKING

import pytest

from benchmarks.composition.federations import federation
from router.composition import Subgraph, compose
from router.composition.pipeline import compose_with_document
from router.schema_check import compose_versions
from router.schema_check.compose_versions import composed_versions
from router.schema_check.find_lines_of_elements import SchemaText
from router.schema_check.schema_sources import SchemaSource

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graphql import DocumentNode

    from router.composition import Composition

OLD = (Subgraph("a", "http://a.example/", "type Query { a: Int }"),)
NEW = (Subgraph("a", "http://a.example/", "type Query { b: Int }"),)
BAD = (Subgraph("a", "http://a.example/", "type Query { b: Unknown }"),)


def source(subgraphs: tuple[Subgraph, ...]) -> SchemaSource:
    return SchemaSource("s", subgraphs=subgraphs)


def both(base: SchemaSource | None, proposed: SchemaSource) -> tuple[Composition | None, Composition | None]:
    with composed_versions(base, proposed) as composed:
        return composed.wait_for_base(), composed.proposed


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.parametrize("limit", [0, 200_000], ids=["in two processes", "in this process"])
def test_both_versions_are_composed(limit: int, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compose_versions, "_LARGE_BYTES", limit)
    monkeypatch.setattr(compose_versions, "_start_method", lambda: method)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert both(source(BAD), source(NEW)) == (compose(BAD), compose(NEW))
    old, new = federation(3, 20), federation(3, 20)
    new[1] = Subgraph(new[1].name, new[1].url, new[1].sdl.replace("  name: String", "  title: String", 1))
    assert both(source(tuple(old)), source(tuple(new))) == (compose(old), compose(new))


def test_the_base_is_composed_here_if_the_second_process_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compose_versions, "_LARGE_BYTES", 0)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(compose_versions, "_compose_and_send", _die)
    assert both(source(OLD), source(NEW)) == (compose(OLD), compose(NEW))


def _die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_the_second_process_ends_with_the_context(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compose_versions, "_LARGE_BYTES", 0)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    with composed_versions(source(OLD), source(NEW)) as composed:
        assert composed.proposed == compose(NEW)
    assert multiprocessing.active_children() == []


def test_equal_subgraphs_are_composed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    composed = []

    def counted(subgraphs: Sequence[Subgraph]) -> tuple[Composition, DocumentNode | None]:
        composed.append(subgraphs)
        return compose_with_document(subgraphs)

    monkeypatch.setattr(compose_versions, "compose_with_document", counted)
    monkeypatch.setattr(compose_versions, "compose", composed.append)
    old, new = both(source(OLD), source(OLD))
    assert (old, len(composed)) == (new, 1)


def test_a_version_without_subgraphs_is_not_composed() -> None:
    text = SchemaSource("s", text=SchemaText("type Query { a: Int }", None))
    assert both(text, text) == (None, None)
    assert both(None, source(NEW)) == (None, compose(NEW))
    assert both(text, source(NEW)) == (None, compose(NEW))
