"""Print findings for a terminal: location, code and message, then the source line with a caret, then the advice.

users:3:11: error[KEY_INVALID_FIELDS]: [users] On User, …: there is no field "uuid" on User.
  --> schemas/users.graphql:3:11
  3 | type User @key(fields: "uuid") { id: ID! }
    |           ^
  help: Select only fields that the type declares … (router explain KEY_INVALID_FIELDS)
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

import click

from router.printable_text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.composition.rendering.collect_diagnostics import Diagnostic, Diagnostics
    from router.composition.report import Location

_NAMES = {"ERROR": "error", "WARN": "warning", "INFO": "info", "DEBUG": "note"}

# The highest number of characters that are printed from one source line. Some schemas are one very long line.
_WIDTH = 160


# Level → the name of its colour on a terminal.
_COLOURS = {"ERROR": "red", "WARN": "yellow", "INFO": "cyan", "DEBUG": "blue"}


def render_text(diagnostics: Diagnostics) -> str:
    """Return the errors and hints as text, one after the other.

    The level, the code and the caret are coloured. `click.echo` removes the colours if it does not write to a terminal.
    """
    return "\n".join(line for finding in diagnostics.findings for line in _finding(finding, diagnostics))


def _finding(finding: Diagnostic, diagnostics: Diagnostics) -> Iterator[str]:
    place = f"{printable(str(finding.locations[0]))}: " if finding.locations else ""
    first, *rest = map(printable, finding.message.split("\n"))
    label = click.style(f"{_NAMES[finding.level]}[{finding.code}]", fg=_COLOURS[finding.level], bold=True)
    yield f"{place}{label}: {first}"
    yield from (f"  {line}".rstrip() for line in rest)
    for position, location in enumerate(finding.locations):
        yield from _excerpt(location, diagnostics, named=position > 0)
    if finding.advice and finding.level == "ERROR":
        yield f"  {click.style('help', fg='cyan')}: {finding.advice} (router explain {finding.code})"
    if finding.level == "ERROR":
        yield ""


def _excerpt(location: Location, diagnostics: Diagnostics, *, named: bool) -> Iterator[str]:
    place = diagnostics.place(location)
    label = str(location) if place is None else str(place)
    if named or place is not None:
        yield f"  {'also' if named else '-->'} {printable(label)}"
    # In GraphQL, only line feeds and carriage returns end a line. `splitlines` would split at more characters.
    lines = diagnostics.sources.get(location.subgraph, "").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if not 0 < location.line <= len(lines):
        return
    line, caret = _window(printable(lines[location.line - 1]), location.column - 1)
    number = diagnostics.line_number(location)
    yield f"  {number} | {line}"
    yield f"  {' ' * len(str(number))} | {''.join(map(_blank, line[:caret]))}{click.style('^', bold=True)}"


def _window(line: str, caret: int) -> tuple[str, int]:
    """Return the part of a line around the caret, and the position of the caret in this part."""
    if len(line) <= _WIDTH:
        return line, caret
    start = max(0, caret - _WIDTH // 2)
    cut = line[start : start + _WIDTH]
    return f"{'…' if start else ''}{cut}{'…' if start + _WIDTH < len(line) else ''}", caret - start + (start > 0)


def _blank(character: str) -> str:
    """Return spaces that are as wide on a terminal as `character`: two for an ideograph, none for a combining accent.

    If `character` is a tab, return a tab.
    """
    if character == "\t":
        return "\t"
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return ""
    return "  " if unicodedata.east_asian_width(character) in ("W", "F") else " "
