"""Print findings as workflow commands of GitHub Actions. GitHub shows each finding at its line in a pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from router.composition.file_locations import FilePlace
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
    places = [place for location in finding.locations if (place := diagnostics.place(location))]
    # GitHub shows a finding at one location only. So the message lists the other locations.
    message = [finding.message, *(f"also {location}" for location in finding.locations[1:])]
    if finding.advice:
        message.append(finding.advice)
    place = places[0] if places else None
    return workflow_command(_COMMANDS[finding.level], finding.code, "\n".join(message), place)


def workflow_command(command: str, title: str, message: str, place: FilePlace | None) -> str:
    """Return a workflow command that shows a message.

    Args:
        command: `error`, `warning` or `notice`.
        title: The title of the message.
        message: The message; it may have several lines.
        place: Where GitHub shows the message; None if it belongs to no file.
    """
    properties = {"file": place.path, "line": str(place.line), "col": str(place.column)} if place else {}
    properties["title"] = title
    written = ",".join(f"{key}={value.translate(_IN_PROPERTY)}" for key, value in properties.items())
    return f"::{command} {written}::{message.translate(_IN_MESSAGE)}"
