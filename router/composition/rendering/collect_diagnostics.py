"""Collect the data for all output formats: a list of errors and hints, the subgraphs' SDL, and the SDL files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from router.composition import explain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.composition.file_locations import FilePlace, SourceFile
    from router.composition.pipeline import Composition
    from router.composition.report import Location

# Hint levels from the most to the least important. If a user asks for one level, more important levels are shown too.
LEVELS = ("WARN", "INFO", "DEBUG")


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One error or hint; `level` is ERROR, WARN, INFO or DEBUG."""

    level: str
    code: str
    message: str
    locations: tuple[Location, ...]

    @property
    def advice(self) -> str | None:
        """What to do about the error or hint; None if `router.composition.explain` has no page for the code."""
        page = explain.find(self.code)
        return page.advice if page else None


@dataclass(frozen=True, slots=True)
class Diagnostics:
    """The errors and hints of one composition.

    Attributes:
        findings: The errors, then the hints from the most to the least important.
        sources: Subgraph → its SDL.
        files: Subgraph → the file that contains its SDL. A subgraph whose SDL comes from the network has no file.
        supergraph_sdl: The supergraph; None if there are errors.
        config: The path of the file that lists the subgraphs. If a finding has no location in an SDL file, it is shown
            at this file.
    """

    findings: tuple[Diagnostic, ...]
    sources: Mapping[str, str]
    files: Mapping[str, SourceFile] = field(default_factory=dict)
    supergraph_sdl: str | None = None
    config: str | None = None

    @classmethod
    def of(
        cls,
        composition: Composition,
        sources: Mapping[str, str],
        files: Mapping[str, SourceFile],
        lowest_level: str | None,
    ) -> Diagnostics:
        """Collect all errors, and the hints from `WARN` to `lowest_level`. If `lowest_level` is None, skip hints."""
        shown = LEVELS[: LEVELS.index(lowest_level) + 1] if lowest_level else ()
        errors = [Diagnostic("ERROR", each.code, each.message, each.locations) for each in composition.errors]
        hints = [
            Diagnostic(each.level, each.code, each.message, each.locations)
            for each in composition.hints
            if each.level in shown
        ]
        found = (*errors, *sorted(hints, key=lambda each: LEVELS.index(each.level)))
        return cls(found, sources, files, composition.supergraph_sdl)

    def place(self, location: Location) -> FilePlace | None:
        """Convert a location in a subgraph's SDL to a place in the SDL's file; None if no file contains the SDL."""
        file = self.files.get(location.subgraph)
        return file.place(location) if file else None

    def line_number(self, location: Location) -> int:
        """Return the line number to show for a location.

        If a file contains the SDL unchanged, the result is the line number in the file. Otherwise, the result is the
        line number in the SDL.
        """
        file = self.files.get(location.subgraph)
        return file.place(location).line if file and file.verbatim else location.line
