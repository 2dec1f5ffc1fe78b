"""`router explain`: explain an error or hint code of composition, with an example of the error and its correction."""

from __future__ import annotations

import difflib

import click

from router.composition import explain


@click.command("explain")
@click.argument("code", required=False)
def command(code: str | None) -> None:
    """Explain an error or hint CODE of composition. Without CODE, list all codes."""
    if code is None:
        _list()
        return
    page = explain.find(code.upper())
    if page is None:
        near = difflib.get_close_matches(code.upper(), explain.CODES, n=1)
        hint = f" Did you mean {near[0]}?" if near else " `router explain` lists all codes."
        raise click.BadParameter(f"there is no code {code!r}.{hint}", param_hint="CODE")
    click.echo(page.text, nl=False)


def _list() -> None:
    width = max(map(len, explain.CODES))
    for code in explain.CODES:
        page = explain.find(code)
        summary = page.summary if page else ""
        click.echo(f"{code:{width}}  {explain.kinds(code):13}  {summary}")
