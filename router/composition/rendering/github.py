"""Print findings as workflow commands of GitHub Actions. GitHub shows each finding at its line in a pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from router.composition.rendering.collect_diagnostics import Diagnostic, Diagnostics

_COMMANDS = {"ERROR": "error", "WARN": "warning", "INFO": "notice", "DEBUG": "notice"}
# Workflow commands reserve some characters, which must be escaped. `:` and `,` are reserved only in properties such as
# `file`.
_IN_MESSAGE = {ord("%"): "%25", ord("\r"): "%0D", ord("\n"): "%0A"}
_IN_PROPERTY = {**_IN_MESSAGE, ord(":"): "%3A", ord(","): "%2C"}


def render_github(diagnostics: Diagnostics) -> str:
    """Return one workflow command for each finding."""
    return "\n".join(_finding(finding, diagnostics) for finding in diagnostics.findings)


def _finding(finding: Diagnostic, diagnostics: Diagnostics) -> str:
    properties = {}
    places = [place for location in finding.locations if (place := diagnostics.place(location))]
    if places:
        # GitHub shows a finding at one location only. So the message lists the other locations.
        properties = {"file": places[0].path, "line": str(places[0].line), "col": str(places[0].column)}
    properties["title"] = finding.code
    message = [finding.message, *(f"also {location}" for location in finding.locations[1:])]
    if finding.advice:
        message.append(finding.advice)
    written = ",".join(f"{key}={value.translate(_IN_PROPERTY)}" for key, value in properties.items())
    return f"::{_COMMANDS[finding.level]} {written}::" + "\n".join(message).translate(_IN_MESSAGE)
