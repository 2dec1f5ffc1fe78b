"""`mosafe auth` on the store of a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from click.testing import CliRunner

from servicekit.settings import load
from subgraphs.auth.cli import command
from subgraphs.auth.settings import AuthSettings

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result


class CommandLine:
    def __init__(self, folder: Path, **variables: str) -> None:
        self.variables = {
            "MOSAFE_ENV": "development",
            "MOSAFE_DATA_DIR": str(folder),
            "SUBGRAPH_SIGNATURES": "off",
            **variables,
        }

    @property
    def settings(self) -> AuthSettings:
        """The settings of a service on the same store."""
        return load(AuthSettings, self.variables)

    def run(self, *arguments: str, typed: str | None = None) -> Result:
        return CliRunner().invoke(command, arguments, input=typed, env=self.variables)

    def output(self, *arguments: str, typed: str | None = None) -> str:
        result = self.run(*arguments, typed=typed)
        assert result.exit_code == 0, result.output
        return str(result.stdout)
