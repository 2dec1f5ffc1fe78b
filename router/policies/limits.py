"""How much an operation may ask for, judged by its text before it is validated or planned.

Everything is counted through fragments, a fragment as often as it is spread, because that is what execution pays. Each
fragment is measured once, so counting is linear in the document even where its expansion is exponential. A fragment
that spreads itself counts as empty where it does: validation refuses it afterwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
)

from router.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from graphql import DocumentNode, SelectionNode

    from router.settings.model import Limits


class Size(NamedTuple):
    """What is counted; the names are those of `limits` in the configuration."""

    depth: int = 0
    height: int = 0
    aliases: int = 0
    directives: int = 0
    root_fields: int = 0


_CODES = {
    "depth": "MAX_DEPTH_LIMIT",
    "height": "MAX_HEIGHT_LIMIT",
    "aliases": "MAX_ALIASES_LIMIT",
    "directives": "MAX_DIRECTIVES_LIMIT",
    "root_fields": "MAX_ROOT_FIELDS_LIMIT",
}
_MESSAGES = {
    "depth": "The operation is nested deeper than {limit} levels.",
    "height": "The operation selects more than {limit} fields.",
    "aliases": "The operation has more than {limit} aliases.",
    "directives": "The operation has more than {limit} directives.",
    "root_fields": "The operation has more than {limit} fields at its root.",
}


class LimitExceeded(RequestError):
    """An operation asks for more than the operator allows; `code` is one of MAX_*_LIMIT."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


def check(document: DocumentNode, limits: Limits) -> None:
    """Refuse a document one of whose operations is larger than allowed.

    Raises:
        LimitExceeded: for the first limit exceeded.
    """
    try:
        sizes = list(measure(document))
    except RecursionError:  # fragments that spread fragments can nest deeper than the parser allows fields to
        raise LimitExceeded(_CODES["depth"], "The document's fragments are nested too deeply.") from None
    for size in sizes:
        for name, counted in size._asdict().items():
            limit = getattr(limits, name)
            if limit is not None and counted > limit:
                raise LimitExceeded(_CODES[name], _MESSAGES[name].format(limit=limit))
    if limits.operation_name_length is not None:
        _check_names(document, limits.operation_name_length)


def _check_names(document: DocumentNode, longest: int) -> None:
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode) and node.name is not None and len(node.name.value) > longest:
            raise LimitExceeded("MAX_OPERATION_NAME_LIMIT", f"An operation's name is longer than {longest}.")


def measure(document: DocumentNode) -> Iterator[Size]:
    """The size of each operation, in document order."""
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    measured: dict[str, Size] = {}
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode):
            size = _sum(node.selection_set.selections, fragments, measured)
            yield size._replace(directives=size.directives + len(node.directives or ()))


def _sum(
    selections: tuple[SelectionNode, ...], fragments: Mapping[str, FragmentDefinitionNode], measured: dict[str, Size]
) -> Size:
    sizes = [_one(selection, fragments, measured) for selection in selections]
    return Size(
        max((size.depth for size in sizes), default=0),
        sum(size.height for size in sizes),
        sum(size.aliases for size in sizes),
        sum(size.directives for size in sizes),
        sum(size.root_fields for size in sizes),
    )


def _one(selection: SelectionNode, fragments: Mapping[str, FragmentDefinitionNode], measured: dict[str, Size]) -> Size:
    own_directives = len(selection.directives or ())
    if isinstance(selection, FragmentSpreadNode):
        inner = _fragment(selection.name.value, fragments, measured)
        return inner._replace(directives=inner.directives + own_directives)
    if isinstance(selection, InlineFragmentNode):
        inner = _sum(selection.selection_set.selections, fragments, measured)
        return inner._replace(directives=inner.directives + own_directives)
    if not isinstance(selection, FieldNode):
        raise TypeError(f"no selection: {selection.kind}")
    inner = _sum(selection.selection_set.selections, fragments, measured) if selection.selection_set else Size()
    return Size(
        inner.depth + 1,
        inner.height + 1,
        inner.aliases + (selection.alias is not None),
        inner.directives + own_directives,
        1,
    )


def _fragment(name: str, fragments: Mapping[str, FragmentDefinitionNode], measured: dict[str, Size]) -> Size:
    if name not in measured:
        measured[name] = Size()  # what a fragment that spreads itself finds
        if name in fragments:
            measured[name] = _sum(fragments[name].selection_set.selections, fragments, measured)
    return measured[name]
