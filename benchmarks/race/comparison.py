"""Whether two routers answer a request with the same data.

The order of keys does not count, and neither do the texts of errors: routers mask them in different ways. Whether there
are errors does.
"""

from __future__ import annotations

import json
from typing import NamedTuple


class Answer(NamedTuple):
    """The data of a response, and whether it has errors."""

    data: object
    has_errors: bool

    @classmethod
    def of(cls, body: bytes) -> Answer:
        """Read the body of a response.

        Raises:
            ValueError: it is not JSON, or not an object.
        """
        content = json.loads(body)
        if not isinstance(content, dict):
            raise ValueError("the response is not an object")  # noqa: TRY004 - a fault of the response
        return cls(content.get("data"), bool(content.get("errors")))


def difference(expected: Answer, actual: Answer) -> str:
    """Where the first difference is and what it is; empty if there is none."""
    if expected.has_errors != actual.has_errors:
        return "has errors" if actual.has_errors else "has no errors"
    return _difference(expected.data, actual.data, "data")


def _difference(expected: object, actual: object, place: str) -> str:
    if isinstance(expected, dict) and isinstance(actual, dict):
        if expected.keys() != actual.keys():
            return f"{place} has other fields: {sorted(expected.keys() ^ actual.keys())}"
        pairs = ((f"{place}.{key}", value, actual[key]) for key, value in expected.items())
        return next((found for name, one, two in pairs if (found := _difference(one, two, name))), "")
    if isinstance(expected, list) and isinstance(actual, list):
        if len(expected) != len(actual):
            return f"{place} has {len(actual)} items, not {len(expected)}"
        items = enumerate(zip(expected, actual, strict=True))
        return next((found for index, (one, two) in items if (found := _difference(one, two, f"{place}.{index}"))), "")
    # In Python, True equals 1.
    if type(expected) is not type(actual) or expected != actual:
        return f"{place} is {actual!r}, not {expected!r}"
    return ""
