"""What is wrong with a value, in words for who wrote it: pydantic's speak of dictionaries, instances and validation."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_core import ErrorDetails

_WHOLE_NUMBER = "a whole number is expected"
_NUMBER = "a number is expected"
_TRUTH = "true or false is expected"
_CHOICE = "one of {expected} is expected"
_SHORT = "text of length {min_length} or more is expected"
_WORDS: Mapping[str, str] = {
    "bool_parsing": _TRUTH,
    "bool_type": _TRUTH,
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
    "model_type": "a section with keys of its own is expected",
    "path_type": "a path is expected",
    "string_pattern_mismatch": "text that matches {pattern} is expected",
    "string_too_short": _SHORT,
    "string_type": "text is expected",
    "too_short": _SHORT,
    "tuple_type": "a list is expected",
}
"""By pydantic's type of error (https://docs.pydantic.dev/latest/errors/validation_errors/)."""


def in_words(finding: ErrorDetails) -> str:
    """The message, without the value: it may be secret, and so may its length."""
    words = _WORDS.get(finding["type"])
    if words is None:
        return finding["msg"].removeprefix("Value error, ")
    return words.format_map(finding.get("ctx", {}))
