"""`router contract`: a variant of a supergraph, filtered by `@tag`. Exit codes as `router compose`."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

import click

from router.cli.findings import FORMAT, from_here, tell
from router.cli.output import NOT_COMPOSABLE, READABLE_FILE, WRITABLE_FILE, read
from router.composition import Composition
from router.composition.contracts import SUPERGRAPH, ContractFilter, derive
from router.composition.rendering.diagnostics import Diagnostics
from router.composition.source_files import SourceFile
from router.errors import InvalidSupergraph
from servicekit.errors import StartupError

if TYPE_CHECKING:
    from pathlib import Path


@click.command("contract")
@click.argument("file", metavar="SUPERGRAPH", type=READABLE_FILE)
@click.option("--include-tag", "include", multiple=True, metavar="TAG", help="Show only what has one of these tags.")
@click.option("--exclude-tag", "exclude", multiple=True, metavar="TAG", help="Hide what has one of these tags.")
@click.option("--hide-unreachable", is_flag=True, help="Hide types that clients cannot reach.")
@click.option("--output", type=WRITABLE_FILE, help="Where the contract's supergraph goes; else stdout, as compose.")
@FORMAT
def command(**given: object) -> None:
    """Derive from SUPERGRAPH a variant that shows clients only what the tags say."""
    _contract(**given)  # type: ignore[arg-type]  # click calls with the options declared above


def _contract(  # noqa: PLR0913  # one parameter an option
    *,
    file: Path,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    hide_unreachable: bool,
    output: Path | None,
    form: str,
) -> None:
    if not (include or exclude or hide_unreachable):
        raise click.UsageError("Nothing to filter by: give --include-tag, --exclude-tag or --hide-unreachable.")
    sdl = read(file)
    try:
        contract = derive(sdl, ContractFilter(frozenset(include), frozenset(exclude), hide_unreachable))
    except ValueError as error:
        raise click.UsageError(f"{error}.") from error
    except InvalidSupergraph as error:
        raise StartupError(f"{file}: {error.code}: {error.message}") from error
    for tag in contract.unknown_tags:
        near = difflib.get_close_matches(tag, contract.known_tags, n=1)
        click.secho(
            f'warning: nothing carries the tag "{tag}"' + (f', did you mean "{near[0]}"?' if near else "."),
            fg="yellow",
            err=True,
        )
    outcome = Composition(contract.supergraph_sdl, contract.errors, ())
    files = {SUPERGRAPH: from_here(SourceFile(str(file)))}
    if not tell(
        Diagnostics.of(outcome, {SUPERGRAPH: sdl}, files, None),
        form,
        output,
        "the contract is not valid (what it hides counts as @inaccessible)",
    ):
        raise click.exceptions.Exit(NOT_COMPOSABLE)
