"""For GitHub Actions: workflow commands that annotate the lines of a change."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from router.composition.rendering.diagnostics import Diagnostic, Diagnostics

_COMMANDS = {"ERROR": "error", "WARN": "warning", "INFO": "notice", "DEBUG": "notice"}
# The workflow command grammar reserves these characters, in properties some more than in the message.
_IN_MESSAGE = {ord("%"): "%25", ord("\r"): "%0D", ord("\n"): "%0A"}
_IN_PROPERTY = {**_IN_MESSAGE, ord(":"): "%3A", ord(","): "%2C"}


def render_github(diagnostics: Diagnostics) -> str:
    return "\n".join(_finding(finding, diagnostics) for finding in diagnostics.findings)


def _finding(finding: Diagnostic, diagnostics: Diagnostics) -> str:
    properties = {"title": finding.code}
    if finding.locations:
        location = finding.locations[0]
        if location.subgraph in diagnostics.files:
            properties["file"] = diagnostics.files[location.subgraph]
        properties |= {"line": str(location.line), "col": str(location.column)}
    written = ",".join(f"{key}={_escape(value, _IN_PROPERTY)}" for key, value in properties.items())
    return f"::{_COMMANDS[finding.level]} {written}::{_escape(finding.message, _IN_MESSAGE)}"


def _escape(text: str, table: dict[int, str]) -> str:
    return text.translate(table)
