"""Reads a rules file, and reports every mistake in it with its line."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from servicekit.errors import StartupError
from subgraphs.transaction.fraud.rules.kinds import KINDS
from subgraphs.transaction.fraud.rules.rule_set import RuleSet, Thresholds, WhenUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pydantic_core import ErrorDetails

Location = tuple[str | int, ...]

DEFAULT_RULES: Final = Path(__file__).parent / "default_rules.yaml"
MAX_BYTES: Final = 1_000_000
_SECTIONS: Final[Mapping[str, type[BaseModel]]] = {"thresholds": Thresholds, "when_unavailable": WhenUnavailable}
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
class RulesProblem:
    """A mistake in a rules file. `key` is a path such as `rules.2.window`. It is empty if the whole file is wrong."""

    file: str
    line: int
    key: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {f'{self.key}: ' if self.key else ''}{self.message}"


class InvalidRules(StartupError):
    """A rules file cannot be used. `problems` has every mistake, in the order of the lines."""

    def __init__(self, problems: Sequence[RulesProblem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: problem.line))
        super().__init__("\n".join(map(str, self.problems)))


def load_rules(path: Path) -> RuleSet:
    """Read a rules file.

    Raises:
        InvalidRules: the file cannot be read, or it has mistakes.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise InvalidRules([RulesProblem(str(path), 1, "", f"is larger than {MAX_BYTES} bytes")])
        return read_rules(content.decode("utf-8"), str(path))
    except OSError as error:
        raise InvalidRules([RulesProblem(str(path), 1, "", f"cannot be read: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        raise InvalidRules([RulesProblem(str(path), 1, "", "is not UTF-8")]) from error


def read_rules(text: str, name: str) -> RuleSet:
    """Read the text of a rules file; `name` is used in messages.

    Raises:
        InvalidRules: the text has mistakes.
    """
    document = _parse(text, name)
    try:
        return RuleSet.model_validate(document)
    except ValidationError as error:
        raise InvalidRules(list(_problems(error, document, name))) from None


def _parse(text: str, name: str) -> object:
    try:
        document: object = YAML(typ="rt", pure=True).load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = (error.problem or error.context or "").strip().split(" with value ")[0]
        line = mark.line + 1 if mark is not None else 1
        raise InvalidRules([RulesProblem(name, line, "", f"not YAML: {reason}")]) from None
    except (YAMLError, RecursionError, ValueError):
        raise InvalidRules([RulesProblem(name, 1, "", "not YAML")]) from None
    if not isinstance(document, CommentedMap):
        raise InvalidRules([RulesProblem(name, 1, "", "a mapping with `version` and `rules` is expected")])
    return document


def _problems(error: ValidationError, document: object, name: str) -> Iterator[RulesProblem]:
    for finding in error.errors(include_url=False):
        location = _without_tags(finding["loc"])
        line, key = _line(document, location), ".".join(map(str, location))
        yield RulesProblem(name, line, key, _message(finding, location))


def _without_tags(found: Location) -> Location:
    """Return the path `rules.2.window` for pydantic's path `rules.2.duplicate.window`, which contains the kind."""
    if len(found) > 2 and found[0] == "rules" and found[2] in KINDS:  # noqa: PLR2004 - ("rules", 3, "duplicate", ...)
        return (*found[:2], *found[3:])
    return found


def _line(document: object, location: Location) -> int:
    """Return the line of the key at `location`. If it has none, return the line of the innermost key around it."""
    line, node = 1, document
    for part in location:
        if not isinstance(node, CommentedMap | CommentedSeq) or not node.lc.data or part not in node.lc.data:
            break
        line = node.lc.data[part][0] + 1
        node = node[part]
    return line


def _message(finding: ErrorDetails, location: Location) -> str:
    kind, context = finding["type"], finding.get("ctx", {})
    if kind == "extra_forbidden":
        known = _keys_beside(finding["loc"])
        near = difflib.get_close_matches(str(location[-1]), known, n=1)
        return f"unknown key; did you mean `{near[0]}`?" if near else f"unknown key; the keys are {', '.join(known)}"
    if kind == "union_tag_invalid":
        return f"unknown kind {str(context.get('tag'))[:40]!r}; the kinds are {', '.join(KINDS)}"
    if kind in _MESSAGES:
        return _MESSAGES[kind].format_map(context)
    message: Any = finding["msg"]
    return str(message).removeprefix("Value error, ")


def _keys_beside(found: Location) -> list[str]:
    if len(found) > 2 and found[0] == "rules":  # noqa: PLR2004 - ("rules", 3, "duplicate", "windw")
        model: type[BaseModel] = KINDS[str(found[2])]
    else:
        model = _SECTIONS.get(str(found[0]), RuleSet) if len(found) > 1 else RuleSet
    return list(model.model_fields)
