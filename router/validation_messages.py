"""Replaces pydantic's messages about wrong values. The new messages use the terms of YAML instead of Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_core import ErrorDetails

_WHOLE_NUMBER = "a whole number is expected"
_NUMBER = "a number is expected"
_BOOLEAN = "true or false is expected"
_CHOICE = "one of {expected} is expected"
_SHORT = "text of length {min_length} or more is expected"
_MESSAGES: Mapping[str, str] = {
    "bool_parsing": _BOOLEAN,
    "bool_type": _BOOLEAN,
    "dict_type": "a mapping of keys to values is expected",
    "enum": _CHOICE,
    "finite_number": _NUMBER,
    "float_parsing": _NUMBER,
    "float_type": _NUMBER,
    "greater_than": "a number greater than {gt} is expected",
    "greater_than_equal": "a number of at least {ge} is expected",
    "int_from_float": _WHOLE_NUMBER,
    "int_parsing": _WHOLE_NUMBER,
    "int_type": _WHOLE_NUMBER,
    "less_than_equal": "a number of at most {le} is expected",
    "literal_error": _CHOICE,
    "mapping_type": "a mapping of keys to values is expected",
    "missing": "this key is required",
    "model_type": "a section with keys is expected",
    "path_type": "a path is expected",
    "string_pattern_mismatch": "text that matches {pattern} is expected",
    "string_too_short": _SHORT,
    "string_type": "text is expected",
    "too_short": _SHORT,
    "tuple_type": "a list is expected",
}
"""The message for each of pydantic's error types (https://docs.pydantic.dev/latest/errors/validation_errors/)."""


def message_of(finding: ErrorDetails) -> str:
    """Return the message for an error that pydantic found.

    The message contains neither the wrong value nor its length, because both may be secret.
    """
    message = _MESSAGES.get(finding["type"])
    if message is None:
        return finding["msg"].removeprefix("Value error, ")
    return message.format_map(finding.get("ctx", {}))
