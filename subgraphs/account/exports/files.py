"""The formats of exported statements. The parts of a file, one after the other, are the file. Pure.

Both formats have the names and the values of `GET /api/accounts/:id/statement` (bank §3.3): amounts are decimal texts,
the oldest entry comes first.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from bank.values import format_amount, format_timestamp
from subgraphs.account.exports.export import ExportFormat

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from subgraphs.account.exports.export import StatementExport
    from subgraphs.account.statements import LedgerEntry

# RFC 4180: lines end with CRLF.
_CSV_HEAD: Final = "postedAt,transactionId,amount,currency,balance\r\n"


def head(export: StatementExport, opening: Decimal, closing: Decimal) -> str:
    """Return the beginning of the file.

    Args:
        export: the export.
        opening: the balance before the period.
        closing: the balance at the end of the period.
    """
    if export.format is ExportFormat.CSV:
        return _CSV_HEAD
    document = {
        "accountId": export.account_id,
        "currency": export.currency,
        "from": format_timestamp(export.period.begin),
        "to": format_timestamp(export.period.end),
        "openingBalance": format_amount(opening, export.currency),
        "closingBalance": format_amount(closing, export.currency),
    }
    return json.dumps(document)[:-1] + ', "data": ['


def lines(export: StatementExport, entries: Sequence[LedgerEntry], *, is_first: bool) -> str:
    """Return the next entries of the file. `is_first` says whether no entries come before them."""
    if export.format is ExportFormat.CSV:
        return "".join(",".join(_values(entry)) + "\r\n" for entry in entries)
    texts = []
    for entry in entries:
        posted_at, transaction_id, amount, _, balance = _values(entry)
        item = {"transactionId": transaction_id, "postedAt": posted_at, "amount": amount, "balance": balance}
        texts.append("\n" + json.dumps(item))
    return ("" if is_first or not texts else ",") + ",".join(texts)


def tail(export: StatementExport) -> str:
    """Return the end of the file."""
    return "" if export.format is ExportFormat.CSV else "\n]}\n"


def _values(entry: LedgerEntry) -> tuple[str, str, str, str, str]:
    """Return the values of an entry in the order of the CSV columns. None of them needs quotes."""
    return (
        format_timestamp(entry.posted_at),
        entry.transaction_id,
        format_amount(entry.amount, entry.currency),
        entry.currency,
        format_amount(entry.balance, entry.currency),
    )
