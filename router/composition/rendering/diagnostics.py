"""What every rendering starts from: errors and hints in one list, and the texts they point into."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.composition.pipeline import Composition
    from router.composition.report import Location

# Hint levels from loud to quiet; asking for one shows those before it too.
LEVELS = ("WARN", "INFO", "DEBUG")


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding; `level` is ERROR, WARN, INFO or DEBUG."""

    level: str
    code: str
    message: str
    locations: tuple[Location, ...]


@dataclass(frozen=True, slots=True)
class Diagnostics:
    """Findings, the SDL of each subgraph by name, and the file each SDL was read from, where it was one."""

    findings: tuple[Diagnostic, ...]
    sources: Mapping[str, str]
    files: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls, composition: Composition, sources: Mapping[str, str], files: Mapping[str, str], quietest: str | None
    ) -> Diagnostics:
        """All errors, and hints down to the level `quietest`; None for no hints."""
        shown = LEVELS[: LEVELS.index(quietest) + 1] if quietest else ()
        errors = [Diagnostic("ERROR", each.code, each.message, each.locations) for each in composition.errors]
        hints = [
            Diagnostic(each.level, each.code, each.message, each.locations)
            for each in composition.hints
            if each.level in shown
        ]
        return cls((*errors, *sorted(hints, key=lambda each: LEVELS.index(each.level))), sources, files)

    @property
    def failed(self) -> bool:
        return any(finding.level == "ERROR" for finding in self.findings)
