from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from graphql import print_ast

from router.schema_check.operations.known_operations import InvalidOperations, read_operations

if TYPE_CHECKING:
    from pathlib import Path


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / f"{name}.graphql"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def test_each_operation_of_a_folder_with_its_fragments(tmp_path: Path) -> None:
    write(
        tmp_path, a="query A { ...X }\n\nquery B { b }", b="fragment X on Query { ...Y }", c="fragment Y on Query { y }"
    )
    a, b = read_operations([tmp_path])
    assert (a.name, a.place) == ("A", f"{tmp_path}/a.graphql:1")
    assert print_ast(a.document).count("fragment ") == 2
    assert (b.name, b.place) == ("B", f"{tmp_path}/a.graphql:3")
    assert "fragment" not in print_ast(b.document)


def test_fragments_that_spread_each_other_end(tmp_path: Path) -> None:
    write(tmp_path, a="{ ...X } fragment X on Query { ...Y } fragment Y on Query { ...X }")
    (operation,) = read_operations([tmp_path])
    assert operation.name == "(anonymous)"


@pytest.mark.parametrize(
    "manifest",
    [
        {"id1": "query A { a }"},
        {
            "format": "apollo-persisted-query-manifest",
            "version": 1,
            "operations": [{"id": "id1", "name": "A", "type": "query", "body": "query A { a }"}],
        },
    ],
)
def test_a_manifest(tmp_path: Path, manifest: dict[str, object]) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(manifest), encoding="utf-8")
    (operation,) = read_operations([path])
    assert (operation.name, operation.place) == ("A", f"{path}#id1:1")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a": "query A {"}, "a.graphql:1: Syntax Error"),
        ({"a": "\n{ ...X }"}, "a.graphql:2: no file defines the fragment X"),
        (
            {"a": "{ ...X }", "b": "fragment X on Query { x }", "c": "fragment X on Query { y }"},
            "a.graphql:1: several files define the fragment X, with different selections",
        ),
    ],
)
def test_an_operation_that_cannot_be_read(tmp_path: Path, files: dict[str, str], message: str) -> None:
    write(tmp_path, **files)
    with pytest.raises(InvalidOperations) as error:
        read_operations([tmp_path])
    assert message in str(error.value)


def test_equal_fragments_in_two_files_are_one(tmp_path: Path) -> None:
    write(tmp_path, a="{ ...X }", b="fragment X on Query { x }", c="fragment X on Query {\n  x\n}")
    assert len(read_operations([tmp_path])) == 1


def test_a_file_that_is_no_manifest(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    path.write_text("[1]", encoding="utf-8")
    with pytest.raises(InvalidOperations, match="not a manifest"):
        read_operations([path])
