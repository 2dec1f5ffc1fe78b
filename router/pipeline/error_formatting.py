"""Formats errors as the entries of a response's `errors` (GraphQL specification, "Errors")."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from router.errors import ResponseError


def error_entry(error: ResponseError) -> dict[str, object]:
    """Return an error as a JSON object. Locations from a subgraph refer to another document and are omitted."""
    entry: dict[str, object] = {"message": error.message}
    if error.origin is None and error.locations:
        entry["locations"] = [{"line": line, "column": column} for line, column in error.locations]
    if error.path is not None:
        entry["path"] = list(error.path)
    extensions = error.extensions if error.code is None else {"code": error.code, **error.extensions}
    if extensions:
        entry["extensions"] = dict(extensions)
    return entry


def codes_of(entries: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the codes of the entries of a response's `errors`, each once."""
    codes = (entry.get("extensions", {}).get("code") for entry in entries)
    return tuple(dict.fromkeys(code for code in codes if isinstance(code, str)))


def new_error_id() -> str:
    """Return a random id that a client can quote and that an operator can find in the log."""
    return f"err_{secrets.token_hex(8)}"
