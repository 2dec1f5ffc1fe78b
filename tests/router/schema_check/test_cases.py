"""Each folder of `tests/cases/schema_check` has two schemas and the changes between them.

`expect.txt` has three lines for each change: severity and id, message, reason. `python -m
tests.router.schema_check.test_cases` writes it anew after a deliberate change of a text; read the difference.

Covers `router/schema_check/diff/compare_schemas.py`.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from graphql import build_schema, validate_schema

from router.schema_check.changes import ChangeCode
from router.schema_check.diff.compare_schemas import compare_schemas

CASES = sorted(path for path in Path("tests/cases/schema_check").iterdir() if path.is_dir())


def found(case: Path) -> str:
    """The changes between the schemas of a case, as `expect.txt` has them."""
    old, new = (build_schema((case / name).read_text(encoding="utf-8")) for name in ("old.graphql", "new.graphql"))
    assert not validate_schema(old)
    assert not validate_schema(new)
    changes = compare_schemas(old, new)
    return "".join(f"{each.severity} {each.id}\n  {each.message}\n  {each.reason}\n" for each in changes)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case(case: Path) -> None:
    assert found(case) == (case / "expect.txt").read_text(encoding="utf-8")


def test_every_kind_of_change_has_a_case() -> None:
    texts = "".join((case / "expect.txt").read_text(encoding="utf-8") for case in CASES)
    assert [code for code in ChangeCode if f" {code}:" not in texts] == []


if __name__ == "__main__":
    for each in CASES:
        (each / "expect.txt").write_text(found(each), encoding="utf-8")
