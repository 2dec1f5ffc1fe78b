from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from router.composition import Subgraph, compose
from router.schema_check import compose_versions
from router.schema_check.compose_versions import composed_versions
from router.schema_check.find_lines_of_elements import SchemaText
from router.schema_check.schema_sources import SchemaSource

if TYPE_CHECKING:
    from collections.abc import Sequence

    from router.composition import Composition

OLD = (Subgraph("a", "http://a.example/", "type Query { a: Int }"),)
NEW = (Subgraph("a", "http://a.example/", "type Query { b: Int }"),)
BAD = (Subgraph("a", "http://a.example/", "type Query { b: Unknown }"),)


def source(subgraphs: tuple[Subgraph, ...]) -> SchemaSource:
    return SchemaSource("s", subgraphs=subgraphs)


def both(base: SchemaSource | None, proposed: SchemaSource) -> tuple[Composition | None, Composition | None]:
    with composed_versions(base, proposed) as composed:
        return composed.wait_for_base(), composed.proposed


@pytest.mark.parametrize(
    "limit", [0, 200_000], ids=["large versions in two processes", "small versions in this process"]
)
def test_both_versions_are_composed(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compose_versions, "_LARGE_BYTES", limit)
    assert both(source(BAD), source(NEW)) == (compose(BAD), compose(NEW))


def test_equal_subgraphs_are_composed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    composed = []

    def counted(subgraphs: Sequence[Subgraph]) -> Composition:
        composed.append(subgraphs)
        return compose(subgraphs)

    monkeypatch.setattr(compose_versions, "compose", counted)
    old, new = both(source(OLD), source(OLD))
    assert (old, len(composed)) == (new, 1)


def test_a_version_without_subgraphs_is_not_composed() -> None:
    text = SchemaSource("s", text=SchemaText("type Query { a: Int }", None))
    assert both(text, text) == (None, None)
    assert both(None, source(NEW)) == (None, compose(NEW))
    assert both(text, source(NEW)) == (None, compose(NEW))
