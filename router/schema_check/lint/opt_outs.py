"""Reads the comments by which a schema text opts out of lint rules.

    # lint-ignore FIELD_NAMES: the name is part of a standard
    type Query { Book: Book }

The comment is above a declaration, or behind the declaration on the same line. The comment applies to the declaration
and everything inside the declaration. `# lint-ignore-file FIELD_NAMES: reason` applies to the whole text. Several codes
are separated by commas. A comment without a reason has no effect.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from graphql import TokenKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from graphql import Token

    from router.schema_check.lint.elements_of_schema_text import Element, LintedText

_COMMENT: Final = re.compile(
    r"\s*lint-ignore(?P<file>-file)?\s+(?P<codes>[A-Z][A-Z0-9_, ]*?)\s*(?::\s*(?P<reason>.*))?$"
)
_LOOKS_LIKE: Final = re.compile(r"\s*lint-ignore\b")


@dataclass(frozen=True, slots=True)
class OptOut:
    """A comment that opts out of lint rules.

    Attributes:
        codes: The codes of the rules. Empty if the comment cannot be read.
        reason: The reason. Empty if there is none; the comment then has no effect.
        is_for_file: Whether the comment applies to the whole text.
        line: The line of the comment, counted from 1.
        column: The column of the comment, counted from 1.
    """

    codes: frozenset[str]
    reason: str
    is_for_file: bool
    line: int
    column: int

    @property
    def counts(self) -> bool:
        """Whether the comment has an effect: it has codes and a reason."""
        return bool(self.codes and self.reason)


def read_opt_outs(text: LintedText) -> tuple[OptOut, ...]:
    """Return all comments of a text that opt out of rules, in order."""
    token = text.document.loc.start_token if text.document.loc is not None else None
    found = []
    while token is not None:
        if token.kind is TokenKind.COMMENT and token.value is not None and _LOOKS_LIKE.match(token.value):
            match = _COMMENT.match(token.value)
            codes = frozenset(re.split(r"[,\s]+", match["codes"].strip(" ,"))) if match else frozenset[str]()
            reason = (match["reason"] or "").strip() if match else ""
            is_for_file = "lint-ignore-file" in token.value
            found.append(OptOut(codes, reason, is_for_file, token.line, token.column))
        token = token.next
    return tuple(found)


def opt_out_of(element: Element, code: str, opt_outs: tuple[OptOut, ...]) -> OptOut | None:
    """Return the comment by which an element opts out of a rule, or None.

    The comment can belong to the element, to a declaration around it, or to the whole text.
    """
    for each in opt_outs:
        if each.is_for_file and each.counts and code in each.codes:
            return each
    lines: set[int] = set()
    declared: Element | None = element
    while declared is not None:
        lines.update(_comment_lines(declared))
        declared = declared.parent
    for each in opt_outs:
        if not each.is_for_file and each.counts and code in each.codes and each.line in lines:
            return each
    return None


def _comment_lines(element: Element) -> Iterator[int]:
    """Yield the lines of the comments above a declaration, before its name, and behind its name."""
    location = element.node.loc
    name = getattr(element.node, "name", None)
    if location is None or name is None or name.loc is None:
        return
    named: Token = name.loc.start_token
    token: Token | None = named
    # A comment can be between the description and the name.
    while token is not None and token is not location.start_token:
        if token.kind is TokenKind.COMMENT:
            yield token.line
        token = token.prev
    above = location.start_token.prev
    while above is not None and above.kind is TokenKind.COMMENT:
        if not _is_behind_something(above):
            yield above.line
        above = above.prev
    yield named.line if _comment_on(named) else 0


def _comment_on(token: Token) -> bool:
    following: Token | None = token
    while following is not None and following.line == token.line:
        if following.kind is TokenKind.COMMENT:
            return True
        following = following.next
    return False


def _is_behind_something(comment: Token) -> bool:
    """Return whether other text precedes the comment on its line. Such a comment belongs to the text on this line."""
    before = comment.prev
    return before is not None and before.kind is not TokenKind.SOF and before.line == comment.line
