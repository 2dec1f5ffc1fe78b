"""`router explain`: explain a code of composition, a lint rule, or an error code that clients of the router see."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from router.composition import explain
from router.schema_check.lint.find_rules import InvalidRule, all_rules
from router.schema_check.lint.run_rules import OPT_OUT_CODES
from router.server import client_error_reference
from servicekit.errors import StartupError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.schema_check.lint.rule import Rule


class _Code(click.ParamType[str]):
    """The type of the argument CODE. If the user presses the tab key, the shell completes the code."""

    name = "code"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Return all codes that begin with `incomplete`, in upper or lower case."""
        del ctx, param
        return [CompletionItem(code) for code in _codes() if code.startswith(incomplete.upper())]


@click.command("explain")
@click.option("--clients", is_flag=True, help="Print the reference page of the codes that clients of the router see.")
@click.argument("code", required=False, type=_Code())
def command(code: str | None, *, clients: bool) -> None:
    """Explain an error or hint CODE, or a lint rule. Without CODE, list all codes of composition and all lint rules."""
    if clients:
        click.echo(client_error_reference.reference(), nl=False)
        return
    if code is None:
        _list()
        return
    text = explanation_of(code.upper())
    if text is None:
        near = difflib.get_close_matches(code.upper(), _codes(), n=1)
        hint = f" Did you mean {near[0]}?" if near else " `router explain` lists all codes."
        raise click.BadParameter(f"there is no code {code!r}.{hint}", param_hint="CODE")
    click.echo(text, nl=False)


def explanation_of(code: str) -> str | None:
    """Return the page of a code of composition, a lint rule or an error of the router, in Markdown; None if unknown."""
    page = explain.find(code)
    if page is not None:
        return page.text
    if code in OPT_OUT_CODES:
        return f"# {code}\n\n{OPT_OUT_CODES[code]}\n"
    rule = lint_rules().get(code)
    return rule.page if rule is not None else client_error_reference.explain(code)


def lint_rules() -> Mapping[str, Rule]:
    """Return all lint rules.

    Raises:
        StartupError: A rule of another package cannot be used.
    """
    try:
        return all_rules()
    except InvalidRule as error:
        raise StartupError(str(error)) from error


def list_lint_rules() -> None:
    """Print each lint rule with its level and its summary."""
    rules = lint_rules()
    width = max(map(len, (*rules, *explain.CODES)))
    for code, rule in rules.items():
        summary = next((line for line in rule.page.splitlines() if line.strip() and not line.startswith("#")), "")
        kind = f"lint {rule.level or 'off'}"
        click.echo(f"{code:{width}}  {kind:13}  {summary}")


def _codes() -> list[str]:
    return sorted({*explain.CODES, *lint_rules(), *client_error_reference.CODES})


def _list() -> None:
    width = max(map(len, explain.CODES))
    for code in explain.CODES:
        page = explain.find(code)
        summary = page.summary if page else ""
        click.echo(f"{code:{width}}  {explain.kinds(code):13}  {summary}")
    list_lint_rules()
