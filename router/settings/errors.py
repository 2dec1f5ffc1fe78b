"""The errors of a configuration: all problems at once, each with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from servicekit.errors import StartupError

if TYPE_CHECKING:
    from collections.abc import Sequence


class Problem(NamedTuple):
    """`key` is the dotted path of a setting (empty for the document); `line` counts from 1.

    `message` never contains a value: it may be a secret.
    """

    file: str
    line: int
    key: str
    message: str

    def __str__(self) -> str:
        return (
            f"{self.file}:{self.line}: {self.key}: {self.message}"
            if self.key
            else f"{self.file}:{self.line}: {self.message}"
        )


class InvalidSettings(StartupError):
    """The configuration cannot be used. `problems` is never empty; the error's text has one line for each."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, problems)))
