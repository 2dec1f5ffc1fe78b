"""Reads files of past orders for `mosafe fraud backtest`: CSV with a header, or one JSON object on each line.

| column | content |
|---|---|
| `at` | the time at which the order was given, RFC 3339 |
| `amount`, `currency` | such as `12.50` and `EUR` |
| `user` | the owner of the order; any text |
| `type` | `TRANSFER` (default), `DEPOSIT`, `WITHDRAWAL` or `PAYMENT` |
| `account` | the user's account; by default one account for each user |
| `receiver`, `receiver_user` | the account that gets the money, and its owner |
| `payee` | the receiver of a payment |
| `id` | by default, the number of the line |
| `status` | `COMPLETED` if the money moved; without this column, orders that the rules allow are completed |
| `label` | `fraud` or `legitimate`; empty if it is not known |
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Final, get_args

from bank.values import InvalidValue, exponent, parse_amount, parse_timestamp, to_minor_units
from servicekit.errors import StartupError
from subgraphs.kit.times import to_milliseconds
from subgraphs.transaction.domain import MAX_MINOR_UNITS, TransactionStatus, TransactionType
from subgraphs.transaction.fraud.order_facts import OrderFacts, counterparty
from subgraphs.transaction.fraud.rules.rule import OrderType

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

REQUIRED: Final = ("at", "amount", "currency", "user")
COLUMNS: Final = (*REQUIRED, "type", "account", "receiver", "receiver_user", "payee", "id", "status", "label")
_LABELS: Final = {"fraud": True, "1": True, "true": True, "legitimate": False, "0": False, "false": False, "": None}
_MAX_REPORTED: Final = 20
_MAX_FIELD: Final = 10_000


@dataclass(frozen=True, slots=True)
class PastOrder:
    """An order of the file.

    Attributes:
        is_completed: whether the money moved; None if the file does not say it.
        is_fraud: the label; None if there is none.
    """

    facts: OrderFacts
    is_completed: bool | None
    is_fraud: bool | None


class InvalidOrders(StartupError):
    """A file of orders has mistakes. The message has one line for each of the first mistakes."""


class _Wrong(Exception):
    """One line of the file is wrong. The message says what is wrong."""


def load_orders(path: Path) -> list[PastOrder]:
    """Read a file of orders, and return the orders sorted by time.

    Orders with the same time are in the order of the file.

    Raises:
        InvalidOrders: the file cannot be read, or it has mistakes.
    """
    orders: list[PastOrder] = []
    wrong: list[str] = []
    lines: dict[str, int] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for line, row in _rows(file):
                try:
                    order = _order(row, line)
                    _refuse_twice(lines, order.facts.transaction_id, line)
                    orders.append(order)
                except _Wrong as error:
                    wrong.append(f"{path}:{line}: {error}")
    except _WholeFile as error:
        wrong.append(f"{path}:{error.line}: {error}")
    except OSError as error:
        raise InvalidOrders(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InvalidOrders(f"{path}: is not UTF-8") from error
    if len(wrong) > _MAX_REPORTED:
        wrong[_MAX_REPORTED:] = [f"{path}: and {len(wrong) - _MAX_REPORTED} more mistakes"]
    if wrong:
        raise InvalidOrders("\n".join(wrong))
    return sorted(orders, key=lambda order: order.facts.at)


class _WholeFile(Exception):
    """Raised at a line after which the rest of the file cannot be read."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


def _rows(file: IO[str]) -> Iterator[tuple[int, Mapping[str, object]]]:
    first = file.readline()
    file.seek(0)
    return _json_rows(file) if first.lstrip().startswith("{") else _csv_rows(file)


def _csv_rows(file: IO[str]) -> Iterator[tuple[int, Mapping[str, object]]]:
    reader = csv.DictReader(file, strict=True)
    try:
        _check_columns(reader.fieldnames or [])
        for row in reader:
            if None in row or None in row.values():
                yield reader.line_num, {"": f"{len(reader.fieldnames or [])} values are expected"}
            else:
                yield reader.line_num, row
    except csv.Error as error:
        raise _WholeFile(max(1, reader.reader.line_num), f"is not CSV: {error}") from None


def _check_columns(names: Any) -> None:
    if (missing := [name for name in REQUIRED if name not in names]) != []:
        raise _WholeFile(1, f"the header has no {', '.join(missing)}; the columns are {', '.join(COLUMNS)}")
    if (unknown := [name for name in names if name not in COLUMNS]) != []:
        raise _WholeFile(1, f"unknown columns {', '.join(unknown)[:200]}; the columns are {', '.join(COLUMNS)}")
    if len(set(names)) < len(names):
        raise _WholeFile(1, "a column stands twice in the header")


def _json_rows(file: IO[str]) -> Iterator[tuple[int, Mapping[str, object]]]:
    for line, text in enumerate(file, 1):
        if text.strip():
            try:
                # An amount is read as text, because a binary fraction is not exact.
                row = json.loads(text, parse_float=str, parse_int=str)
            except (json.JSONDecodeError, RecursionError) as error:
                row = {"": f"is not JSON: {error.msg if isinstance(error, json.JSONDecodeError) else 'too deep'}"}
            yield line, row if isinstance(row, dict) else {"": "an object is expected"}


def _order(row: Mapping[str, object], line: int) -> PastOrder:
    if "" in row and row[""] is not None:
        raise _Wrong(str(row[""]))
    if (unknown := [name for name in row if name not in COLUMNS]) != []:
        raise _Wrong(f"unknown key {unknown[0][:40]!r}; the keys are {', '.join(COLUMNS)}")
    kind, status, label = _text(row, "type") or "TRANSFER", _text(row, "status"), _text(row, "label").lower()
    if kind not in get_args(OrderType):
        raise _Wrong(f"type: one of {', '.join(get_args(OrderType))} is expected")
    if status and status not in TransactionStatus.__members__:
        raise _Wrong(f"status: one of {', '.join(TransactionStatus.__members__)} is expected")
    if label not in _LABELS:
        raise _Wrong("label: fraud or legitimate is expected")
    is_completed = None if not status else status in {"COMPLETED", "REVERSED"}
    return PastOrder(_facts(row, TransactionType(kind), line), is_completed, _LABELS[label])


def _facts(row: Mapping[str, object], kind: TransactionType, line: int) -> OrderFacts:
    user, receiver, currency = _required(row, "user"), _text(row, "receiver") or None, _required(row, "currency")
    is_deposit = kind is TransactionType.DEPOSIT
    receives_none = kind in {TransactionType.DEPOSIT, TransactionType.WITHDRAWAL, TransactionType.PAYMENT}
    if receives_none and receiver is not None:
        raise _Wrong(f"receiver: a {kind.lower()} has none")
    return OrderFacts(
        transaction_id=_text(row, "id") or f"line {line}",
        type=kind,
        units=_units(_required(row, "amount"), currency),
        currency=currency,
        at=_time(_required(row, "at")),
        user_id=user,
        account_id=_text(row, "account") or user,
        receiver_id=receiver,
        receiver_user_id=_text(row, "receiver_user") or None,
        counterparty=None if is_deposit else counterparty(receiver, _text(row, "payee") or None),
    )


def _units(amount: str, currency: str) -> int:
    try:
        exponent(currency)
    except InvalidValue as error:
        raise _Wrong(f"currency: {error}") from None
    try:
        units = to_minor_units(parse_amount(amount), currency)
    except InvalidValue as error:
        raise _Wrong(f"amount: {error}") from None
    if units > MAX_MINOR_UNITS:
        raise _Wrong("amount: too large")
    return units


def _time(text: str) -> int:
    try:
        return to_milliseconds(parse_timestamp(text))
    except InvalidValue as error:
        raise _Wrong(f"at: {error}") from None


def _text(row: Mapping[str, object], name: str) -> str:
    value = row.get(name)
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str):
        raise _Wrong(f"{name}: a string is expected")
    if len(value) > _MAX_FIELD:
        raise _Wrong(f"{name}: is too long")
    return value.strip()


def _required(row: Mapping[str, object], name: str) -> str:
    value = _text(row, name)
    if not value:
        raise _Wrong(f"{name}: is missing")
    return value


def _refuse_twice(lines: dict[str, int], order_id: str, line: int) -> None:
    first = lines.setdefault(order_id, line)
    if first != line:
        raise _Wrong(f"id: {order_id[:40]!r} is the order of line {first}, too")
