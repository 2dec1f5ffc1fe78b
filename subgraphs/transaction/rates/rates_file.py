"""Reads a file of exchange rates, and reports every mistake in it with its line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from subgraphs.transaction.rates.rates_table import RatesTable
from subgraphs.transaction.yaml_file import InvalidFile, Mistake, line_of, message_of, parse_mapping, read_text

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA_FILE: Final = Path(__file__).parent / "rates.schema.json"


def load_rates(path: Path) -> RatesTable:
    """Read a file of rates.

    Raises:
        InvalidFile: the file cannot be read, or it has mistakes.
    """
    return read_rates(read_text(path), str(path))


def read_rates(text: str, name: str) -> RatesTable:
    """Read the text of a file of rates; `name` is used in messages.

    Raises:
        InvalidFile: the text has mistakes.
    """
    document = parse_mapping(text, name, "`version` and `rates`")
    try:
        return RatesTable.model_validate(document)
    except ValidationError as error:
        raise InvalidFile(list(_mistakes(error, document, name))) from None


def _mistakes(error: ValidationError, document: object, name: str) -> Iterator[Mistake]:
    for finding in error.errors(include_url=False):
        location = finding["loc"]
        yield Mistake(name, line_of(document, location), ".".join(map(str, location)), message_of(finding))


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (version 2020-12) of a file of rates."""
    schema = RatesTable.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "MoSafe exchange rates"}


def schema_text() -> str:
    """Return the text of `rates.schema.json`."""
    return json.dumps(json_schema(), indent=2) + "\n"
