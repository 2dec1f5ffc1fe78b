"""Command lines: groups that import a command on first use, and startup errors without a traceback."""

from __future__ import annotations

import importlib
import os
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click
import msgspec
from click.shell_completion import CompletionItem

from servicekit import garbage_collection
from servicekit.errors import StartupError, StoreFailure

if TYPE_CHECKING:
    from collections.abc import Mapping

# The exit code of a command whose input is wrong, such as a configuration file with a mistake.
CANNOT_START: Final = 2


class LazyCommand(msgspec.Struct, frozen=True):
    """A command that is imported on first use.

    Attributes:
        module: the module that defines the command as `command`.
        help: the line about the command in the help of its group.
        extra: the extra of the distribution `mosafe` with the dependencies of the module.
    """

    module: str
    help: str
    extra: str


class LazyGroup(click.Group):
    """A group whose commands are imported on first use. Printing the group's help imports none of them.

    An image that contains one process therefore needs the dependencies of that process only.
    """

    def __init__(self, *args: Any, table: Mapping[str, LazyCommand], **options: Any) -> None:
        """`table` maps the name of each command to its `LazyCommand`."""
        super().__init__(*args, **options)
        self._table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in self._table:
            return None
        lazy = self._table[cmd_name]
        try:
            with garbage_collection.keeping_new_objects():
                _import_structlog_without_rich()
                # Otherwise, pydantic reads the metadata of all installed packages, to find plug-ins. We use none.
                os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
                found = importlib.import_module(lazy.module).command
        except ModuleNotFoundError as error:
            if error.name is None or find_spec(error.name.partition(".")[0]) is not None:
                raise
            raise StartupError(
                f"{cmd_name} needs the package {error.name}, which is not installed; "
                f"install it with: pip install 'mosafe[{lazy.extra}]'"
            ) from error
        if not isinstance(found, click.Command):
            raise TypeError(f"{lazy.module}.command is not a click command")
        return found

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the commands and options that begin with `incomplete`, for the completion of a shell."""
        names = [CompletionItem(name, help=lazy.help) for name, lazy in self._table.items()]
        found = [item for item in names if item.value.startswith(incomplete)]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, lazy.help) for name, lazy in self._table.items()])


def _import_structlog_without_rich() -> None:
    """Import structlog as if rich were not installed.

    structlog imports rich wherever it is installed, to print tracebacks in colours, and our processes log JSON. The
    import of rich takes a tenth of the time until a process serves.
    """
    if "structlog" in sys.modules or "rich" in sys.modules:
        return
    sys.modules["rich"] = None  # type: ignore[assignment]  # so Python marks a module that cannot be imported
    try:
        importlib.import_module("structlog")
    finally:
        del sys.modules["rich"]


def run(command: click.Command, program: str) -> None:
    """Run `command` as the program named `program`.

    After a `StartupError` or a failure of a store, the message is printed without a traceback, and the exit code is 2.
    """
    try:
        command(prog_name=program)
    except StartupError as error:
        _end(program, str(error))
    except StoreFailure as error:
        _end(program, error.explanation)


def _end(program: str, message: str) -> NoReturn:
    for line in message.splitlines():
        click.secho(f"{program}: {line}", err=True, fg="red")
    sys.exit(CANNOT_START)
