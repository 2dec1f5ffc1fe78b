"""What every rendering starts from: errors and hints in one list, the texts they point into, and the files of these."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from router.composition import explain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.composition.pipeline import Composition
    from router.composition.report import Location
    from router.composition.source_files import FilePlace, SourceFile

# Hint levels from loud to quiet; asking for one shows those before it too.
LEVELS = ("WARN", "INFO", "DEBUG")


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding; `level` is ERROR, WARN, INFO or DEBUG."""

    level: str
    code: str
    message: str
    locations: tuple[Location, ...]

    @property
    def advice(self) -> str | None:
        """What to do about it, if the code has a page."""
        page = explain.find(self.code)
        return page.advice if page else None


@dataclass(frozen=True, slots=True)
class Diagnostics:
    """Findings, the SDL of each subgraph by name, the file of each SDL that has one, and the outcome.

    `config` is the file that lists the subgraphs: the place of what has no other.
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
        quietest: str | None,
    ) -> Diagnostics:
        """All errors, and hints down to the level `quietest`; None for no hints."""
        shown = LEVELS[: LEVELS.index(quietest) + 1] if quietest else ()
        errors = [Diagnostic("ERROR", each.code, each.message, each.locations) for each in composition.errors]
        hints = [
            Diagnostic(each.level, each.code, each.message, each.locations)
            for each in composition.hints
            if each.level in shown
        ]
        found = (*errors, *sorted(hints, key=lambda each: LEVELS.index(each.level)))
        return cls(found, sources, files, composition.supergraph_sdl)

    def place(self, location: Location) -> FilePlace | None:
        """Where in the file system a location is; None if its schema came over the network."""
        file = self.files.get(location.subgraph)
        return file.place(location) if file else None

    def line_number(self, location: Location) -> int:
        """What the line of a location is called: by its file, or by its schema if the file writes it otherwise."""
        file = self.files.get(location.subgraph)
        return file.place(location).line if file and file.verbatim else location.line
