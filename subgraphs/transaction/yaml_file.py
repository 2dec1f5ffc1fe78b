"""Reads YAML files of an operator, and reports every mistake in them with its line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from servicekit.errors import StartupError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pydantic_core import ErrorDetails

Location = tuple[str | int, ...]

MAX_BYTES: Final = 1_000_000
# Maps an error type of pydantic to our message. For other error types, the message of pydantic is used.
_MESSAGES: Final[Mapping[str, str]] = {
    "missing": "this key is required",
    "model_type": "a mapping of keys to values is expected",
    "tuple_type": "a list is expected",
    "string_pattern_mismatch": "text that matches {pattern} is expected",
    "union_tag_not_found": "a rule needs a `kind`",
    "greater_than_equal": "a number of at least {ge} is expected",
    "greater_than": "a number greater than {gt} is expected",
    "less_than_equal": "a number of at most {le} is expected",
    "less_than": "a number less than {lt} is expected",
    "literal_error": "one of {expected} is expected",
}


@dataclass(frozen=True, slots=True)
class Mistake:
    """A mistake in a file. `key` is a path such as `rules.2.window`. It is empty if the whole file is wrong."""

    file: str
    line: int
    key: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {f'{self.key}: ' if self.key else ''}{self.message}"


class InvalidFile(StartupError):
    """A file cannot be used. `problems` has every mistake, in the order of the lines."""

    def __init__(self, problems: Sequence[Mistake]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: problem.line))
        super().__init__("\n".join(map(str, self.problems)))


def read_text(path: Path) -> str:
    """Return the text of a file.

    Raises:
        InvalidFile: the file cannot be read, is too large, or is not UTF-8.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise InvalidFile([Mistake(str(path), 1, "", f"is larger than {MAX_BYTES} bytes")])
        return content.decode("utf-8")
    except OSError as error:
        raise InvalidFile([Mistake(str(path), 1, "", f"cannot be read: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        raise InvalidFile([Mistake(str(path), 1, "", "is not UTF-8")]) from error


def parse_mapping(text: str, name: str, expected: str) -> CommentedMap:
    """Parse YAML, and return its mapping. `name` is used in messages, and `expected` says what the mapping has.

    Raises:
        InvalidFile: the text is not YAML, or not a mapping.
    """
    try:
        document: object = YAML(typ="rt", pure=True).load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = (error.problem or error.context or "").strip().split(" with value ")[0]
        line = mark.line + 1 if mark is not None else 1
        raise InvalidFile([Mistake(name, line, "", f"not YAML: {reason}")]) from None
    except (YAMLError, RecursionError, ValueError):
        raise InvalidFile([Mistake(name, 1, "", "not YAML")]) from None
    if not isinstance(document, CommentedMap):
        raise InvalidFile([Mistake(name, 1, "", f"a mapping with {expected} is expected")])
    return document


def message_of(finding: ErrorDetails) -> str:
    """Return our message for an error of pydantic, or the message of pydantic."""
    template = _MESSAGES.get(finding["type"])
    message = finding["msg"] if template is None else template.format_map(finding.get("ctx", {}))
    return message.removeprefix("Value error, ")


def line_of(document: object, location: Location) -> int:
    """Return the line of the key at `location`. If it has none, return the line of the innermost key around it."""
    line, node = 1, document
    for part in location:
        if not isinstance(node, CommentedMap | CommentedSeq) or not node.lc.data or part not in node.lc.data:
            break
        line = node.lc.data[part][0] + 1
        node = node[part]
    return line
