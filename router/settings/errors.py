"""The error that is raised if a configuration cannot be used. The error lists all problems of the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from servicekit.errors import StartupError

if TYPE_CHECKING:
    from collections.abc import Sequence


class Problem(msgspec.Struct, frozen=True):
    """A problem in the configuration, with its file and line.

    `key` is the dotted path of a setting. It is empty if the problem concerns the whole file. Lines are counted from 1.
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
    """The configuration cannot be used. `problems` has at least one problem; the error message has a line for each."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, problems)))
