"""Formats errors as JSON objects for the list `errors` of a response (GraphQL specification, "Errors")."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from router.errors import ResponseError


def error_entry(error: ResponseError) -> dict[str, object]:
    """Return an error as a JSON object.

    The locations of a subgraph's error are omitted: they do not refer to the client's document.
    """
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
    """Return the codes in `entries`, the formatted errors of a response. Each code is returned once."""
    codes = (entry.get("extensions", {}).get("code") for entry in entries)
    return tuple(dict.fromkeys(code for code in codes if isinstance(code, str)))


def new_error_id() -> str:
    """Return a random id for an error. The client receives this id, and the operator finds it in the log."""
    return f"err_{secrets.token_hex(8)}"
