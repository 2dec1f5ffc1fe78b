"""Convert a location in a subgraph's schema to a place in the file that contains the schema."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from router.composition.report import Location


@dataclass(frozen=True, slots=True)
class FilePlace:
    """A place in a file. Lines and columns are counted from 1."""

    path: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """The file that contains a schema, and the place where the schema begins.

    A schema in a separate file begins at line 1 without indent. A schema inside a YAML file begins at `line`, and
    each of its lines is indented by `indent` columns. `verbatim` says whether the file contains the lines of the schema
    unchanged. If not, every location in the schema is converted to the start of `line`.
    """

    path: str
    line: int = 1
    indent: int = 0
    verbatim: bool = True

    def place(self, location: Location) -> FilePlace:
        """Convert a location in the schema to a place in the file."""
        if not self.verbatim:
            return FilePlace(self.path, self.line, 1)
        return FilePlace(self.path, self.line + location.line - 1, self.indent + location.column)
