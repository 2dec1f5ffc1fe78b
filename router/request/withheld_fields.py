"""Marks the fields of a client's operation that the client may not read (execution §16.3).

A marked field is not planned and not fetched for the client. In the response it is null and has an error, even if the
router knows its value because a fetch needs it as an input. There are two marks:

    refused    the client may not read the field
    emptied    the client may read the field, but none of its subfields; so the field is not fetched

A mark is a directive on the syntax node of the field. No client can use this directive, because names that begin with
`__` are reserved. A printed operation contains the marks, and nodes with different marks are not equal.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from graphql import DirectiveNode, NameNode

from router.errors import AccessRefused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from graphql import FieldNode

REFUSED_MESSAGE: Final = "Unauthorized field or type"
REFUSED_CODE: Final = AccessRefused.code

_REFUSED: Final = DirectiveNode(name=NameNode(value="__refused"), arguments=())
_EMPTIED: Final = DirectiveNode(name=NameNode(value="__emptied"), arguments=())


def refused(node: FieldNode) -> FieldNode:
    """Return a copy of `node` with the mark `refused`."""
    return replace(node, directives=(*(node.directives or ()), _REFUSED))


def emptied(node: FieldNode) -> FieldNode:
    """Return a copy of `node` with the mark `emptied`."""
    return replace(node, directives=(*(node.directives or ()), _EMPTIED))


def is_refused(nodes: Iterable[FieldNode]) -> bool:
    """Return whether one of `nodes`, the syntax nodes of one field, has the mark `refused`."""
    return any(directive is _REFUSED for node in nodes for directive in node.directives or ())


def is_withheld(nodes: Iterable[FieldNode]) -> bool:
    """Return whether all of `nodes`, the syntax nodes of one field, are marked. The field is then null."""
    return all(
        any(directive is _REFUSED or directive is _EMPTIED for directive in node.directives or ()) for node in nodes
    )
