"""`router contract`: derive a variant of a supergraph that shows clients only the elements selected by `@tag`."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from router.cli.composition_output import FORMAT, relative_to_working_directory, write_result
from router.cli.file_io import NOT_COMPOSABLE, READABLE_FILE, WRITABLE_FILE, read_text
from router.composition import Composition
from router.composition.contracts import SUPERGRAPH, ContractFilter, derive
from router.composition.file_locations import SourceFile
from router.composition.rendering.collect_diagnostics import Diagnostics
from router.errors import InvalidSupergraph
from servicekit.errors import StartupError

if TYPE_CHECKING:
    from pathlib import Path

    from router.composition.contracts import Contract


@dataclass(frozen=True, slots=True)
class Options:
    """The arguments and options of `router contract`."""

    file: Path
    include: tuple[str, ...]
    exclude: tuple[str, ...]
    hide_unreachable: bool
    output: Path | None
    form: str


@click.command("contract")
@click.argument("file", metavar="SUPERGRAPH", type=READABLE_FILE)
@click.option(
    "--include-tag", "include", multiple=True, metavar="TAG", help="Show only elements with one of these tags."
)
@click.option("--exclude-tag", "exclude", multiple=True, metavar="TAG", help="Hide elements with one of these tags.")
@click.option("--hide-unreachable", is_flag=True, help="Hide types that clients cannot reach.")
@click.option("--output", type=WRITABLE_FILE, help="The file for the contract's supergraph; without it, stdout.")
@FORMAT
def command(**given: object) -> None:
    """Derive from SUPERGRAPH a contract: a variant that shows clients only the elements that the tags select."""
    options = Options(**given)  # type: ignore[arg-type]  # click calls with the options declared above
    if not (options.include or options.exclude or options.hide_unreachable):
        raise click.UsageError("Nothing to filter by: give --include-tag, --exclude-tag or --hide-unreachable.")
    sdl = read_text(options.file)
    contract = _derive(sdl, options)
    for tag in contract.unknown_tags:
        _warn_of_unknown_tag(tag, contract)
    composition = Composition(contract.supergraph_sdl, contract.errors, ())
    files = {SUPERGRAPH: relative_to_working_directory(SourceFile(str(options.file)))}
    diagnostics = Diagnostics.of(composition, {SUPERGRAPH: sdl}, files, None)
    failure = "the contract is not valid (hidden elements are treated as @inaccessible)"
    if not write_result(diagnostics, options.form, options.output, failure):
        raise click.exceptions.Exit(NOT_COMPOSABLE)


def _derive(sdl: str, options: Options) -> Contract:
    include, exclude = frozenset(options.include), frozenset(options.exclude)
    try:
        return derive(sdl, ContractFilter(include, exclude, options.hide_unreachable))
    except ValueError as error:
        raise click.UsageError(f"{error}.") from error
    except InvalidSupergraph as error:
        raise StartupError(f"{options.file}: {error.code}: {error.message}") from error


def _warn_of_unknown_tag(tag: str, contract: Contract) -> None:
    near = difflib.get_close_matches(tag, contract.known_tags, n=1)
    suggestion = f', did you mean "{near[0]}"?' if near else "."
    click.secho(f'warning: no element has the tag "{tag}"{suggestion}', fg="yellow", err=True)
