"""Write Python source text with indented blocks."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class SourceLines:
    """Lines of Python source text. `block` indents the lines that are added inside it."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._depth = 0

    def add(self, *lines: str) -> None:
        """Add lines with the current indent."""
        self._lines += [f"{'    ' * self._depth}{line}" if line else "" for line in lines]

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """Add the line `head`, such as `if x:`, and indent all lines that are added inside the `with` block."""
        self.add(head)
        self._depth += 1
        before = len(self._lines)
        try:
            yield
            if len(self._lines) == before:
                self.add("pass")
        finally:
            self._depth -= 1

    @property
    def text(self) -> str:
        """The source text."""
        return "\n".join(self._lines) + "\n"
