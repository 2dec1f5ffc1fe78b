"""Finds GraphQL documents in the sources of clients in JavaScript and TypeScript.

A document is a template literal after the tag `gql` or `graphql`, or after the comment `/* GraphQL */`:

    const BOOK = gql`query Book { book { ...Title } } ${TITLE}`;

`${TITLE}` is replaced by the tagged literal with this name in the same file. A name that the file does not define is
left out, because clients put fragments of other files into a document in this way.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SUFFIXES: Final = (".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts")
_LITERAL: Final = re.compile(
    r"""(?:(?P<name>[A-Za-z_$][\w$]*)\s*(?::[^=`;]*)?=\s*)?"""
    r"""(?:\b(?:gql|graphql)[ \t]*(?:\(\s*)?|/\*\s*GraphQL\s*\*/\s*)`(?P<text>(?:[^`\\]|\\.)*)`""",
    re.DOTALL,
)
_INTERPOLATION: Final = re.compile(r"\$\{\s*([^{}]*?)\s*\}")
# How deeply literals can contain each other. Without a limit, a literal that contains itself would never end.
_MAX_DEPTH: Final = 8


@dataclass(frozen=True, slots=True)
class EmbeddedDocument:
    """A document in a source file.

    Attributes:
        line: The line of the source file at which the document begins, counted from one.
        text: The text, with the literals that it contains.
    """

    line: int
    text: str


def embedded_documents(source: str) -> Iterator[EmbeddedDocument]:
    """Yield the documents in the source of a client.

    A literal inside another literal is left out, because it is only a part, such as a list of fields. But a literal
    that defines a fragment is always a document.
    """
    found = list(_LITERAL.finditer(source))
    literals = {match["name"]: match["text"] for match in found if match["name"]}
    contained = {name for match in found for name in _INTERPOLATION.findall(match["text"])}
    for match in found:
        if match["name"] in contained and not _defines_fragment(match["text"]):
            continue
        line = source.count("\n", 0, match.start("text")) + 1
        yield EmbeddedDocument(line, _expanded(match["text"], literals, _MAX_DEPTH))


def _defines_fragment(text: str) -> bool:
    return re.match(r"\s*fragment\s", text) is not None


def _expanded(text: str, literals: Mapping[str, str], depth: int) -> str:
    """Replace each `${NAME}` in the text by the literal with this name.

    If the file has no such literal, or the literal is a fragment, `${NAME}` is removed. A fragment is a document of its
    own.
    """

    def replacement(match: re.Match[str]) -> str:
        inner = literals.get(match[1], "")
        return "" if _defines_fragment(inner) or depth == 0 else _expanded(inner, literals, depth - 1)

    return _INTERPOLATION.sub(replacement, text).replace("\\`", "`")
