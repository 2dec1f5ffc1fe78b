"""Parses request bodies strictly as JSON (RFC 8259).

Python's parser accepts duplicate keys, `NaN` and lone surrogates. If two systems read an order differently, money can
go to the wrong account, so this parser refuses all of these.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

from rest_compat.errors import FieldError, ValidationFailed


class _MalformedJson(ValueError):
    pass


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _MalformedJson("an object has the same key twice")
    return members


def _refuse_constant(_name: str) -> NoReturn:
    raise _MalformedJson("NaN and Infinity are not JSON")


def read_object(body: bytes) -> dict[str, Any]:
    """Parse `body`, and return its JSON object.

    Raises:
        ValidationFailed: the body is not valid JSON (code MALFORMED_JSON), or it is not an object (code TYPE).
    """
    try:
        document = json.loads(body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse_constant)
        # A lone surrogate, written as an escape sequence, cannot be encoded as UTF-8.
        json.dumps(document, ensure_ascii=False).encode()
    except _MalformedJson as error:
        raise _invalid("MALFORMED_JSON", str(error)) from None
    except (ValueError, RecursionError):
        raise _invalid("MALFORMED_JSON", "is not JSON in UTF-8") from None
    if not isinstance(document, dict):
        raise _invalid("TYPE", "must be a JSON object")
    return document


def _invalid(code: str, message: str) -> ValidationFailed:
    return ValidationFailed([FieldError(("body",), code, message)])
