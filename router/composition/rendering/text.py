"""For people: place, source line with a caret, code and message.

users:3:11: error[KEY_INVALID_FIELDS]: [users] On User, …: there is no field "uuid" on User.
  3 | type User @key(fields: "uuid") { id: ID! }
    |           ^
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.composition.rendering.diagnostics import Diagnostic, Diagnostics
    from router.composition.report import Location

_NAMES = {"ERROR": "error", "WARN": "warning", "INFO": "info", "DEBUG": "note"}


def render_text(diagnostics: Diagnostics) -> str:
    return "\n".join(line for finding in diagnostics.findings for line in _finding(finding, diagnostics))


def _finding(finding: Diagnostic, diagnostics: Diagnostics) -> Iterator[str]:
    place = f"{finding.locations[0]}: " if finding.locations else ""
    first, *rest = finding.message.split("\n")
    yield f"{place}{_NAMES[finding.level]}[{finding.code}]: {first}"
    yield from (f"  {line}" for line in rest)
    for position, location in enumerate(finding.locations):
        yield from _excerpt(location, diagnostics, named=position > 0)
    if finding.level == "ERROR":
        yield ""


def _excerpt(location: Location, diagnostics: Diagnostics, *, named: bool) -> Iterator[str]:
    lines = diagnostics.sources.get(location.subgraph, "").splitlines()
    if not 0 < location.line <= len(lines):
        return
    if named:
        yield f"  also {location}"
    # Tabs keep their width in front of the caret.
    line = lines[location.line - 1]
    indent = "".join("\t" if character == "\t" else " " for character in line[: location.column - 1])
    margin = len(str(location.line))
    yield f"  {location.line} | {line}"
    yield f"  {' ' * margin} | {indent}^"
