"""`mosafe fraud`: check rules, and try them on past orders."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from servicekit.errors import StartupError
from subgraphs.transaction.fraud.backtest import backtest, decisions
from subgraphs.transaction.fraud.backtest_report import as_document, as_text
from subgraphs.transaction.fraud.orders_file import load_orders
from subgraphs.transaction.fraud.rules_file import DEFAULT_RULES, load_rules
from subgraphs.transaction.fraud.rules_schema import schema_text

if TYPE_CHECKING:
    from subgraphs.transaction.fraud.orders_file import PastOrder
    from subgraphs.transaction.fraud.rules.rule_set import RuleSet

_FILE: Final = click.Path(path_type=Path)


@click.group("fraud")
def command() -> None:
    """Check fraud rules, and try them on past orders."""


@command.command("backtest")
@click.argument("orders", type=_FILE, metavar="FILE")
@click.option("--rules", "rules_path", type=_FILE, help="The rules file; by default the bundled rules.")
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def backtest_command(orders: Path, rules_path: Path | None, is_json: bool) -> None:  # noqa: FBT001 - click passes options by name
    """Print which past orders the rules would have held or blocked.

    FILE is CSV with a header, or JSON with an object a line: at, amount, currency, user, and optionally type, account,
    receiver, receiver_user, payee, id, status, label (fraud or legitimate). docs/fraud.md describes them.
    """
    result = asyncio.run(backtest(load_rules(rules_path or DEFAULT_RULES), load_orders(orders)))
    click.echo(json.dumps(as_document(result), indent=2) if is_json else as_text(result))


@command.command("explain")
@click.argument("orders", type=_FILE, metavar="FILE")
@click.argument("order_id", metavar="ORDER")
@click.option("--rules", "rules_path", type=_FILE, help="The rules file; by default the bundled rules.")
def explain_command(orders: Path, order_id: str, rules_path: Path | None) -> None:
    """Show the decision about one order of FILE. All earlier orders of FILE are counted first.

    ORDER is the `id` of the order, or "line 7".
    """
    asyncio.run(_explain(load_rules(rules_path or DEFAULT_RULES), load_orders(orders), order_id))


async def _explain(rules: RuleSet, orders: list[PastOrder], order_id: str) -> None:
    async for order, decision in decisions(rules, orders):
        if order.facts.transaction_id == order_id:
            click.echo(json.dumps(decision.to_document(), indent=2, ensure_ascii=False))
            return
    raise StartupError(f"the file has no order {order_id!r}")


@command.group("rules")
def rules_group() -> None:
    """Check rules files, and show the bundled one."""


@rules_group.command("check")
@click.argument("path", type=_FILE, metavar="FILE")
def check_command(path: Path) -> None:
    """Check a rules file. Mistakes are reported with their lines; the exit code is then 2."""
    rules = load_rules(path)
    shadow = sum(rule.shadow for rule in rules.rules)
    click.echo(f"{path}: {len(rules.rules)} rules, {shadow} of them in shadow mode, version {rules.full_version}")


@rules_group.command("show")
def show_command() -> None:
    """Print the bundled rules, as a start for a file of your own."""
    click.echo(DEFAULT_RULES.read_text(encoding="utf-8"), nl=False)


@rules_group.command("schema")
def schema_command() -> None:
    """Print the JSON Schema of rules files."""
    click.echo(schema_text(), nl=False)
