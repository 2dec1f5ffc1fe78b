"""Tests mirror the sources: each module of a subgraph has a test file, or a test file's docstring names its path."""

from __future__ import annotations

import ast
import re
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_each_module_has_its_test_file_or_is_named_in_one() -> None:
    files = [path for path in (ROOT / "tests" / "subgraphs").rglob("*.py") if path.name != "__init__.py"]
    texts = [ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "" for path in files]
    named = {path for text in texts for path in re.findall(r"`(subgraphs/[\w/*]+\.py)`", text)}
    modules = [path.relative_to(ROOT) for path in (ROOT / "subgraphs").rglob("*.py") if path.name != "__init__.py"]
    assert modules
    uncovered = [
        str(module)
        for module in modules
        if not (ROOT / "tests" / module.parent / f"test_{module.name}").exists()
        and not any(fnmatch(str(module), pattern) for pattern in named)
    ]
    assert uncovered == []
