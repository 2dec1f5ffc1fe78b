"""Reads the input files of commands, and writes their output to files or stdout."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import click

from servicekit.errors import StartupError

NOT_COMPOSABLE = 1
"""The exit code of a command whose input can be read, but does not compose."""

READABLE_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
WRITABLE_FILE = click.Path(dir_okay=False, path_type=Path)


def read_text(path: Path) -> str:
    """Return the text of an input file.

    Raises:
        StartupError: the file cannot be read as UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise StartupError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise StartupError(f"{path}: is not UTF-8") from error


def write_text(path: Path | None, text: str) -> None:
    """Write `text` to the file at `path`. If `path` is None, write to stdout.

    A regular file is replaced in one step, because a router may watch the file. A file that already contains `text` is
    not touched. If `path` is a symbolic link, the target of the link is replaced. A file of another kind, such as a
    pipe or `/dev/null`, is opened and written.

    Raises:
        StartupError: the file cannot be written.
    """
    if path is None:
        _print(text)
        return
    try:
        # Special files are handled before `resolve` is called: `/dev/stdout` can be a link to a pipe, and a pipe has no
        # path.
        if path.exists() and not path.is_file():
            path.write_text(text, encoding="utf-8", newline="\n")
            return
        target = path.resolve()
        before = target.read_bytes() if target.exists() else None
        if before != text.encode():
            _replace(target, text, target.stat().st_mode & 0o777 if before is not None else 0o666 & ~_umask())
    except OSError as error:
        raise StartupError(f"{path}: cannot be written: {error.strerror or error}") from error


def _print(text: str) -> None:
    """Print `text` in UTF-8, whatever the encoding of the locale is, because programs read the output."""
    try:
        click.echo(text.encode(), nl=False)
    except BrokenPipeError:
        # The program that reads the output, such as `head`, has ended. Click then ends this process without a message.
        raise
    except OSError as error:
        raise StartupError(f"stdout: cannot be written: {error.strerror}") from error


def _replace(path: Path, text: str, mode: int) -> None:
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", newline="\n", dir=path.parent, prefix=f".{path.name}.", delete=False
    ) as file:
        temporary = Path(file.name)
        try:
            file.write(text)
            file.flush()
            temporary.chmod(mode)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
