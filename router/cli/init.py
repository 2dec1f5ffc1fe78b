"""`router init`: write a starter configuration."""

from __future__ import annotations

from pathlib import Path

import click

from router.settings.starter_file import starter_file
from servicekit.errors import StartupError


@click.command("init")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("router.yaml"),
    show_default=True,
    help="The file to write.",
)
@click.option("--force", is_flag=True, help="Overwrite an existing file.")
def command(output: Path, force: bool) -> None:  # noqa: FBT001  (click passes a flag by name)
    """Write a router.yaml that shows every key with its default and its meaning."""
    try:
        with output.open("w" if force else "x", encoding="utf-8") as file:
            file.write(starter_file())
    except FileExistsError:
        raise StartupError(f"{output} exists already; --force overwrites it") from None
    except OSError as error:
        raise StartupError(f"{output}: cannot be written: {error.strerror}") from error
    click.echo(f"{output} is written: it has every key with its default, commented out")
