"""Request bodies: JSON of RFC 8259 and nothing more lenient.

Python's reader takes duplicate keys (the last wins), `NaN` and lone surrogates. Two parties that read one order
differently are how money goes astray, so all of these are refused.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

from rest_compat.errors import FieldError, ValidationFailed


class _Malformed(ValueError):
    pass


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _Malformed("an object has the same key twice")
    return members


def _refuse_constant(_name: str) -> NoReturn:
    raise _Malformed("NaN and Infinity are no JSON")


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`.

    Raises:
        ValidationFailed: with the one code MALFORMED_JSON, or TYPE for JSON that is no object.
    """
    try:
        document = json.loads(body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse_constant)
        # A lone surrogate, written as an escape, has no UTF-8 and could travel no further.
        json.dumps(document, ensure_ascii=False).encode()
    except _Malformed as error:
        raise _refusal("MALFORMED_JSON", str(error)) from None
    except (ValueError, RecursionError):
        raise _refusal("MALFORMED_JSON", "is not JSON in UTF-8") from None
    if not isinstance(document, dict):
        raise _refusal("TYPE", "must be a JSON object")
    return document


def _refusal(code: str, message: str) -> ValidationFailed:
    return ValidationFailed([FieldError(("body",), code, message)])
