"""A provider's statement: the payments of a period, as CSV or JSON (docs/payments.md).

```
orderId,paymentId,type,amount,currency,state,createdAt,updatedAt
665f1c2e9b1e8a0012345678,pay_665f…,DEPOSIT,100.00,USD,CAPTURED,2026-03-01T12:00:00.000Z,2026-03-01T12:00:01.000Z

{"from": "2026-03-01T00:00:00.000Z", "to": "2026-03-02T00:00:00.000Z", "payments": [{"id": "pay_665f…", …}]}
```

This module is pure: it has no I/O and reads no clock.
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from bank.values import format_timestamp, parse_timestamp
from servicekit.errors import StartupError
from subgraphs.transaction.payments.provider_messages import Payment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

# Maps a column of the CSV form to the member of the JSON form.
COLUMNS: Final[Mapping[str, str]] = {
    "orderId": "orderId",
    "paymentId": "id",
    "type": "type",
    "amount": "amount",
    "currency": "currency",
    "state": "state",
    "createdAt": "createdAt",
    "updatedAt": "updatedAt",
}


@dataclass(frozen=True, slots=True)
class Line:
    """A payment of a statement, and where it is in the file, such as `line 3` or `payments[2]`."""

    place: str
    payment: Payment


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement. The period is half open: a payment belongs to it by `createdAt`; None has no bound."""

    lines: Sequence[Line]
    begin: datetime | None = None
    end: datetime | None = None


def as_csv(payments: Iterable[Payment]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for payment in payments:
        members = payment.to_json()
        writer.writerow([members[member] for member in COLUMNS.values()])
    return text.getvalue()


def as_json(payments: Iterable[Payment], begin: datetime, end: datetime) -> dict[str, object]:
    return {
        "from": format_timestamp(begin),
        "to": format_timestamp(end),
        "payments": [payment.to_json() for payment in payments],
    }


def parse_statement(text: str, name: str) -> Statement:
    """Read a statement; the form is JSON if the text begins with `{`, else CSV. `name` is used in messages.

    Raises:
        StartupError: the text is not a statement. The message has a line for each mistake, up to twenty.
    """
    text = text.removeprefix("\ufeff")
    if text.lstrip().startswith("{"):
        return _from_json(text, name)
    return Statement(_lines(_csv_rows(text, name), name))


def _from_json(text: str, name: str) -> Statement:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise StartupError(f"{name}: is not JSON: {error}") from None
    payments = document.get("payments")
    if not isinstance(payments, list):
        raise StartupError(f"{name}: payments: a list is expected")
    bounds: list[datetime | None] = []
    for member in ("from", "to"):
        try:
            bounds.append(None if document.get(member) is None else parse_timestamp(str(document[member])))
        except ValueError as error:
            raise StartupError(f"{name}: {member}: {error}") from None
    rows = ((f"payments[{number}]", row) for number, row in enumerate(payments))
    return Statement(_lines(rows, name), *bounds)


def _csv_rows(text: str, name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
        if missing:
            raise StartupError(f"{name}:1: the columns {', '.join(missing)} are missing")
        for row in reader:
            yield f"line {reader.line_num}", {member: row[column] for column, member in COLUMNS.items()}
    except csv.Error as error:
        raise StartupError(f"{name}:{reader.line_num}: is not CSV: {error}") from None


_MAX_SHOWN_MISTAKES: Final = 20


def _lines(rows: Iterable[tuple[str, Any]], name: str) -> list[Line]:
    lines, mistakes = [], []
    for place, row in rows:
        try:
            if not isinstance(row, dict):
                raise ValueError("an object is expected")  # noqa: TRY004 - reported as the other mistakes
            lines.append(Line(place, Payment.from_json(row)))
        except ValueError as error:
            mistakes.append(f"{name}: {place}: {error}")
    if mistakes:
        more = (
            [f"{name}: {len(mistakes) - _MAX_SHOWN_MISTAKES} more mistakes"]
            if len(mistakes) > _MAX_SHOWN_MISTAKES
            else []
        )
        raise StartupError("\n".join([*mistakes[:_MAX_SHOWN_MISTAKES], *more]))
    return lines
