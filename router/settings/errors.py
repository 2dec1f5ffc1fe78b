"""The error of a configuration that cannot be used, with all problems of the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from servicekit.errors import StartupError

if TYPE_CHECKING:
    from collections.abc import Sequence


class Problem(NamedTuple):
    """A problem at one place of the configuration.

    `key` is the dotted path of a setting, or empty if the problem concerns the whole file. The first `line` is 1.
    `message` does not contain the value of the setting, which may be a secret.
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
    """The configuration cannot be used. There is at least one problem; the text of the error has a line for each."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, problems)))
