"""Where commands write their results to."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import click

from servicekit.errors import StartupError

NOT_COMPOSABLE = 1
"""Exit code when everything could be read, but what it describes is impossible."""

READABLE_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
WRITABLE_FILE = click.Path(dir_okay=False, path_type=Path)


def read(path: Path) -> str:
    """The text of an input file.

    Raises:
        StartupError: it cannot be read as UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise StartupError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise StartupError(f"{path}: is not UTF-8") from error


def write(path: Path | None, text: str) -> None:
    """To stdout without a path; else whole or not at all, and not if the file says so already: a router may watch it.

    A symbolic link stays one. What is no regular file (a pipe, `/dev/null`) is written to, never replaced.

    Raises:
        StartupError: it cannot be written.
    """
    if path is None:
        _print(text)
        return
    try:
        # Asked of the path itself: what `/dev/stdout` resolves to need not have a path.
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
    """As UTF-8, whatever the terminal speaks: programs read this."""
    try:
        click.echo(text.encode(), nl=False)
    except BrokenPipeError:
        # The reader has seen enough; click ends the process without a word.
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
