"""Lints schemas of a test as `router check --lint` does."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final

from router.schema_check.lint.rules import BUILT_IN_RULES
from router.schema_check.lint.run_rules import LintInput, lint
from router.schema_check.lint.settings import LintSettings
from router.schema_check.schema_versions import read_version

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from router.schema_check.lint.rule import Rule
    from router.schema_check.schema_versions import SchemaVersion
    from router.schema_check.step_findings import StepFinding

TODAY: Final = date(2026, 1, 1)


def composed(folder: Path, subgraphs: Mapping[str, str]) -> SchemaVersion:
    """Write the subgraphs and a `supergraph.yaml` to the folder, and read them."""
    lines = ["subgraphs:"]
    for name, sdl in subgraphs.items():
        (folder / f"{name}.graphql").write_text(sdl)
        lines += [f"  {name}:", f"    routing_url: http://{name}", f"    schema: {{file: {name}.graphql}}"]
    (folder / "supergraph.yaml").write_text("\n".join(lines))
    return read_version(folder / "supergraph.yaml", 1.0)


def only(code: str) -> tuple[Rule, ...]:
    return tuple(rule for rule in BUILT_IN_RULES if rule.code == code)


def findings(
    version: SchemaVersion, rules: tuple[Rule, ...] = BUILT_IN_RULES, settings: LintSettings | None = None
) -> tuple[StepFinding, ...]:
    return lint(version, None, LintInput(rules, settings or LintSettings(), TODAY))


def lines(found: tuple[StepFinding, ...]) -> list[str]:
    """Return a line for each finding: file, line and column, level, code, element and message."""
    return [
        f"{each.place.path.rpartition('/')[2] if each.place else ''}:"
        f"{each.place.line if each.place else 0}:{each.place.column if each.place else 0} "
        f"{each.level}[{each.code}] {each.coordinate}: {each.message}"
        for each in found
    ]
