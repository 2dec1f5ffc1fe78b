"""Reads a rules file, and reports every mistake in it with its line."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ValidationError

from subgraphs.transaction.fraud.rules.kinds import KINDS
from subgraphs.transaction.fraud.rules.rule_set import RuleSet, Thresholds, WhenUnavailable
from subgraphs.transaction.yaml_file import InvalidFile, Mistake, line_of, message_of, parse_mapping, read_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic_core import ErrorDetails

    from subgraphs.transaction.yaml_file import Location

DEFAULT_RULES: Final = Path(__file__).parent / "default_rules.yaml"
_SECTIONS: Final[Mapping[str, type[BaseModel]]] = {"thresholds": Thresholds, "when_unavailable": WhenUnavailable}


def load_rules(path: Path) -> RuleSet:
    """Read a rules file.

    Raises:
        InvalidFile: the file cannot be read, or it has mistakes.
    """
    return read_rules(read_text(path), str(path))


def read_rules(text: str, name: str) -> RuleSet:
    """Read the text of a rules file; `name` is used in messages.

    Raises:
        InvalidFile: the text has mistakes.
    """
    document = parse_mapping(text, name, "`version` and `rules`")
    try:
        return RuleSet.model_validate(document)
    except ValidationError as error:
        raise InvalidFile(list(_problems(error, document, name))) from None


def _problems(error: ValidationError, document: object, name: str) -> Iterator[Mistake]:
    for finding in error.errors(include_url=False):
        location = _without_tags(finding["loc"])
        line, key = line_of(document, location), ".".join(map(str, location))
        yield Mistake(name, line, key, _message(finding, location))


def _without_tags(found: Location) -> Location:
    """Return the path `rules.2.window` for pydantic's path `rules.2.duplicate.window`, which contains the kind."""
    if len(found) > 2 and found[0] == "rules" and found[2] in KINDS:  # noqa: PLR2004 - ("rules", 3, "duplicate", ...)
        return (*found[:2], *found[3:])
    return found


def _message(finding: ErrorDetails, location: Location) -> str:
    kind, context = finding["type"], finding.get("ctx", {})
    if kind == "extra_forbidden":
        known = _keys_beside(finding["loc"])
        near = difflib.get_close_matches(str(location[-1]), known, n=1)
        return f"unknown key; did you mean `{near[0]}`?" if near else f"unknown key; the keys are {', '.join(known)}"
    if kind == "union_tag_invalid":
        return f"unknown kind {str(context.get('tag'))[:40]!r}; the kinds are {', '.join(KINDS)}"
    return message_of(finding)


def _keys_beside(found: Location) -> list[str]:
    if len(found) > 2 and found[0] == "rules":  # noqa: PLR2004 - ("rules", 3, "duplicate", "windw")
        model: type[BaseModel] = KINDS[str(found[2])]
    else:
        model = _SECTIONS.get(str(found[0]), RuleSet) if len(found) > 1 else RuleSet
    return list(model.model_fields)
