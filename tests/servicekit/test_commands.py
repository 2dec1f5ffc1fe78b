"""Lazy groups and startup errors. Covers `servicekit/commands.py`."""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner

from servicekit.commands import CANNOT_START, LazyCommand, LazyGroup, run
from servicekit.errors import StartupError

if TYPE_CHECKING:
    from pathlib import Path

TABLE = {
    "missing": LazyCommand("tests.servicekit.no_such_module", "Does not exist.", "all"),
    "wrong": LazyCommand("json", "Is not a command.", "all"),
}


@click.group(cls=LazyGroup, table=TABLE)
def group() -> None:
    """A group for tests."""


def test_help_lists_commands_without_importing_them() -> None:
    result = CliRunner().invoke(group, ["--help"])
    assert result.exit_code == 0
    assert "missing  Does not exist." in result.output
    assert "tests.servicekit.no_such_module" not in sys.modules


def test_an_unknown_command_is_a_usage_error() -> None:
    result = CliRunner().invoke(group, ["other"])
    assert result.exit_code == 2
    assert "No such command 'other'" in result.output


@pytest.mark.parametrize(("name", "error"), [("missing", ModuleNotFoundError), ("wrong", AttributeError)])
def test_a_module_without_a_command_is_an_error(name: str, error: type[Exception]) -> None:
    assert isinstance(CliRunner().invoke(group, [name]).exception, error)


def test_a_startup_error_is_printed_line_by_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    @click.command
    def command() -> None:
        raise StartupError("first\nsecond")

    monkeypatch.setattr(sys, "argv", ["program"])
    with pytest.raises(SystemExit) as caught:
        run(command, "program")
    assert caught.value.code == CANNOT_START
    assert capsys.readouterr().err == "program: first\nprogram: second\n"


def test_a_command_is_imported_without_garbage_collections(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a_command_of_this_test.py").write_text(
        "import click, gc\n"
        "was_enabled = gc.isenabled()\n"
        "@click.command()\n"
        "def command() -> None: click.echo(was_enabled)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(TABLE, "own", LazyCommand("a_command_of_this_test", "Says whether it was enabled.", "all"))
    assert CliRunner().invoke(group, ["own"]).output == "False\n"
    assert gc.isenabled()


def test_pydantic_looks_for_no_plugins_unless_it_is_told_to(monkeypatch: pytest.MonkeyPatch) -> None:
    for given, expected in (("", "__all__"), ("other", "other")):
        monkeypatch.setenv("PYDANTIC_DISABLE_PLUGINS", given)
        if not given:
            monkeypatch.delenv("PYDANTIC_DISABLE_PLUGINS")
        CliRunner().invoke(group, [next(iter(TABLE)), "--help"])
        assert os.environ["PYDANTIC_DISABLE_PLUGINS"] == expected
