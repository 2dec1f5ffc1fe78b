"""`mosafe payments reconcile`, on both kinds of stores, with statements that the sandbox wrote.

Covers `mosafe/payments.py`.
"""

from __future__ import annotations

import asyncio
import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from mosafe.payments import command
from servicekit.errors import StartupError
from tests.subgraphs.bank import open_bank
from tests.subgraphs.transaction.payments.support import running_sandbox

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(params=["sqlite", "mongodb"])
def urls(request: pytest.FixtureRequest) -> dict[str, str]:
    if request.param == "sqlite":
        return {}
    found: dict[str, str] = request.getfixturevalue("mongo_urls")
    return found


async def statement(folder: Path, urls: dict[str, str]) -> str:
    """The provider's statement in JSON after some orders; their stores stay in `folder`."""
    async with (
        running_sandbox(folder / "provider") as sandbox,
        open_bank(folder, sandbox.provider, **urls) as bank,
    ):
        account = await bank.open(bank.ann, "100.00")
        for instrument in ("pi_approve", "pi_decline", "pi_pending_settle"):
            given = {"sourceAccountId": account["id"], "paymentInstrument": instrument}
            await bank.order(bank.ann, "withdraw", **given)
        await bank.order(bank.ann, "withdraw", sourceAccountId=account["id"], amount="1000.00")
        other = await bank.open(bank.bob)
        await bank.order(
            bank.ann, "transfer", sourceAccountId=account["id"], destinationAccountId=other["id"], amount="1.00"
        )
        return (await sandbox.client.get("/v1/statement")).text


def reconcile(folder: Path, urls: dict[str, str], document: Any, *options: str) -> tuple[int, Any]:
    path = folder / "statement.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    environ = {**dict.fromkeys(os.environ), "MOSAFE_DATA_DIR": str(folder), **urls}
    result = CliRunner(env=environ).invoke(command, ["reconcile", str(path), "--json", *options])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, json.loads(result.output)


def test_a_statement_is_compared_with_orders_and_ledger(tmp_path: Path, urls: dict[str, str]) -> None:
    document = json.loads(asyncio.run(statement(tmp_path, urls)))
    code, result = reconcile(tmp_path, urls, document)
    assert (code, result["differences"], result["payments"]) == (0, [], 5)
    assert (result["agreeing"], result["open"]) == (5, 1)
    payments: list[dict[str, str]] = document["payments"]
    states = [payment["state"] for payment in payments]
    assert states == ["CAPTURED", "CAPTURED", "DECLINED", "PENDING", "VOIDED"]
    deposit, withdrawal, declined, _, _ = payments
    changed = [
        deposit | {"amount": "99.00"},
        declined | {"state": "CAPTURED"},
        declined,
        withdrawal | {"orderId": "5" * 24},
    ]
    code, result = reconcile(tmp_path, urls, {"payments": changed})
    kinds = [(each["kind"], each["orderId"]) for each in result["differences"]]
    assert code == 1
    assert kinds == [
        ("amount", deposit["orderId"]),
        ("state", declined["orderId"]),
        ("doubled", declined["orderId"]),
        ("missing-here", "5" * 24),
        ("missing-there", withdrawal["orderId"]),
    ]
    # An order outside of the period is not missed.
    later = {"payments": [], "from": "2099-01-01T00:00:00Z", "to": "2099-01-02T00:00:00Z"}
    assert reconcile(tmp_path, urls, later)[0] == 0
    assert reconcile(tmp_path, urls, {"payments": []}, "--to", "2001-01-01T00:00:00Z")[0] == 0
    assert reconcile(tmp_path, urls, {"payments": []}, "--from", "2001-01-01T00:00:00Z")[0] == 1


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (b"\xff", (), "is not UTF-8"),
        (b'{"payments": []}', ("--from", "yesterday"), "--from: not an RFC 3339 time"),
        (b'{"payments": []}', (), "the transaction store is missing"),
        (None, (), "cannot be read"),
    ],
)
def test_a_command_that_cannot_work_says_why(
    tmp_path: Path, content: bytes | None, options: tuple[str, ...], message: str
) -> None:
    path = tmp_path / "statement"
    if content is not None:
        path.write_bytes(content)
    environ = {**dict.fromkeys(os.environ), "MOSAFE_DATA_DIR": str(tmp_path / "data")}
    result = CliRunner(env=environ).invoke(command, ["reconcile", str(path), *options])
    assert isinstance(result.exception, StartupError)
    assert message in str(result.exception)
    assert not (tmp_path / "data").exists()
