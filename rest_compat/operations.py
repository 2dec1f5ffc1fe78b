"""The GraphQL operations of the routes: one file per route in `operations/`, with shared fragments.

If a file contains several operations, the route selects one of them, depending on its input. All files share
`fragments.graphql`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from graphql import (
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    Node,
    OperationDefinitionNode,
    Visitor,
    parse,
    print_ast,
    validate,
    visit,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from graphql import GraphQLSchema

FOLDER: Final = Path(__file__).parent / "operations"
_SHARED: Final = "fragments"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation as a complete document, with all fragments that it needs."""

    file: str
    name: str
    document: str


class OperationMismatch(Exception):
    """An operation is not valid for the schema. The message names the file, the operation and each reason."""


class _FragmentSpreads(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_args: object) -> None:
        self.names.append(node.name.value)


def load() -> Mapping[str, Sequence[Operation]]:
    """Return a mapping: name of a file without suffix → the operations in the file, in their order."""
    shared = {
        node.name.value: node for node in parse(_text(_SHARED)).definitions if isinstance(node, FragmentDefinitionNode)
    }
    files = sorted(path.stem for path in FOLDER.glob("*.graphql"))
    return {
        file: [
            Operation(file, node.name.value, _with_fragments(node, shared))
            for node in parse(_text(file)).definitions
            if isinstance(node, OperationDefinitionNode) and node.name
        ]
        for file in files
        if file != _SHARED
    }


def _text(file: str) -> str:
    return (FOLDER / f"{file}.graphql").read_text(encoding="utf-8")


def _with_fragments(operation: OperationDefinitionNode, shared: Mapping[str, FragmentDefinitionNode]) -> str:
    needed: dict[str, FragmentDefinitionNode] = {}
    unseen: list[Node] = [operation]
    while unseen:
        spreads = _FragmentSpreads()
        visit(unseen.pop(), spreads)
        for name in spreads.names:
            if name not in needed:
                needed[name] = shared[name]
                unseen.append(shared[name])
    return "\n\n".join(print_ast(node) for node in (operation, *needed.values()))


def check(operation: Operation, schema: GraphQLSchema) -> None:
    """Check that `operation` is valid for `schema`.

    Raises:
        OperationMismatch: it is not valid.
    """
    errors: Sequence[GraphQLError] = validate(schema, parse(operation.document))
    if errors:
        reasons = "; ".join(error.message for error in errors)
        raise OperationMismatch(f"{operation.file}.graphql, {operation.name}: {reasons}")
