"""`router explain`: explain an error or hint code of composition, or an error code that clients of the router see."""

from __future__ import annotations

import difflib

import click
from click.shell_completion import CompletionItem

from router.composition import explain
from router.server import client_error_reference


class _Code(click.ParamType[str]):
    """The type of the argument CODE, which shells complete."""

    name = "code"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Return all codes that begin with `incomplete`, in upper or lower case."""
        del ctx, param
        return [CompletionItem(code) for code in _codes() if code.startswith(incomplete.upper())]


@click.command("explain")
@click.option("--clients", is_flag=True, help="Print the reference page of the codes that clients of the router see.")
@click.argument("code", required=False, type=_Code())
def command(code: str | None, *, clients: bool) -> None:
    """Explain an error or hint CODE. Without CODE, list all codes of composition."""
    if clients:
        click.echo(client_error_reference.reference(), nl=False)
        return
    if code is None:
        _list()
        return
    page = explain.find(code.upper())
    text = page.text if page is not None else client_error_reference.explain(code.upper())
    if text is None:
        near = difflib.get_close_matches(code.upper(), _codes(), n=1)
        hint = f" Did you mean {near[0]}?" if near else " `router explain` lists all codes."
        raise click.BadParameter(f"there is no code {code!r}.{hint}", param_hint="CODE")
    click.echo(text, nl=False)


def _codes() -> list[str]:
    return sorted({*explain.CODES, *client_error_reference.CODES})


def _list() -> None:
    width = max(map(len, explain.CODES))
    for code in explain.CODES:
        page = explain.find(code)
        summary = page.summary if page else ""
        click.echo(f"{code:{width}}  {explain.kinds(code):13}  {summary}")
