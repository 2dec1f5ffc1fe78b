"""Where a subgraph's SDL lies in the file system: locations in the SDL -> places in files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from router.composition.report import Location


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a file; line and column count from one."""

    path: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """The file that holds a schema, and where in it.

    A file of its own begins with the schema: line 1, no indent. A schema inside another document begins on a later
    `line`, `indent` columns to the right; if it is written there in a form that does not keep its lines (`verbatim` is
    false), all of it stands for that line.
    """

    path: str
    line: int = 1
    indent: int = 0
    verbatim: bool = True

    def place(self, location: Location) -> Place:
        if not self.verbatim:
            return Place(self.path, self.line, 1)
        return Place(self.path, self.line + location.line - 1, self.indent + location.column)
