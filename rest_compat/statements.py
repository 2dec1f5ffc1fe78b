"""Writes the statement of an account into a response: one page of entries as JSON, or as CSV (RFC 4180)."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from rest_compat.representations import BALANCE, STATEMENT_ENTRY, page, page_example, page_schema
from rest_compat.route import DocumentedResponse, RestResponse, page_headers
from rest_compat.scalars import DEFAULT_LIMIT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rest_compat.representations import Node
    from rest_compat.route import Inputs

_COLUMNS: Final = ("postedAt", "transactionId", "amount", "currency", "balance")
_OF_ACCOUNT: Final = ("accountId", "currency")
_OF_PERIOD: Final = ("from", "to", "openingBalance", "closingBalance")


@dataclass(frozen=True, slots=True)
class StatementPage:
    """A response with a page of a statement, and a `Link` to the next page (RFC 8288)."""

    headers: tuple[str, ...] = ("Link", "ETag")

    def response(self, result: Node, inputs: Inputs) -> RestResponse:
        statement, limit = result["statement"], inputs.query.get("limit", DEFAULT_LIMIT)
        entries = page(STATEMENT_ENTRY, limit, statement["entries"])
        document = {
            "accountId": result["id"],
            "currency": result["currency"],
            **{name: statement[name] for name in _OF_PERIOD},
            **entries,
        }
        # If the client gave no end of the period, the period ends at the time of the request. The link to the next page
        # contains this end, so that all pages have the same period.
        query = {**inputs.query, "to": statement["to"]}
        headers = page_headers(inputs, query, entries["pagination"])
        moments = () if "to" in inputs.query else ("to",)
        return RestResponse(200, document, headers, csv=_csv(document), moments=moments)

    @property
    def documented(self) -> Mapping[int, DocumentedResponse]:
        money, time = BALANCE.properties["balance"], BALANCE.properties["asOf"]
        period = dict(zip(_OF_PERIOD, (time, time, money, money), strict=True))
        schema = page_schema(STATEMENT_ENTRY)
        whole = {
            "type": "object",
            "properties": {**{n: BALANCE.properties[n] for n in _OF_ACCOUNT}, **period, **schema["properties"]},
            "required": [*_OF_ACCOUNT, *_OF_PERIOD, *schema["required"]],
        }
        example = {
            **{name: BALANCE.example[name] for name in _OF_ACCOUNT},
            "from": "2026-01-01T00:00:00.000Z",
            "to": "2026-02-01T00:00:00.000Z",
            "openingBalance": "100.00",
            "closingBalance": "75.00",
            **page_example(STATEMENT_ENTRY),
        }
        return {
            200: DocumentedResponse("A page of the statement.", whole, example, self.headers, _csv(example).decode())
        }


def _csv(document: Mapping[str, Any]) -> bytes:
    """Return the entries of a document as CSV: a line with the names of the columns, and a line for each entry."""
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow(_COLUMNS)
    for entry in document["data"]:
        values = {**entry, "currency": document["currency"]}
        lines.writerow([values[name] for name in _COLUMNS])
    return text.getvalue().encode()
