"""CONNECTIONS: a connection type does not have the form of the Relay specification."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from graphql import FieldDefinitionNode, NonNullTypeNode

from router.federation.find_type_name_in_reference import named_type
from router.schema_check.lint.elements_of_schema_text import ElementKind
from router.schema_check.lint.list_and_nullable_types import is_list
from router.schema_check.lint.rule import Problem
from router.schema_check.step_findings import Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from graphql import TypeNode

    from router.schema_check.lint.elements_of_schema_text import Element, LintedText
    from router.schema_check.lint.rule import LintedSchema

LEVEL: Final = Level.WARNING

_SUFFIX: Final = "Connection"


def check(schema: LintedSchema) -> Iterator[Problem]:
    """Report connections without usable `edges` and `pageInfo`, and edges without `node` and `cursor`."""
    for text in schema.texts:
        for name, declarations in text.types.items():
            if name.endswith(_SUFFIX) and name != _SUFFIX and declarations[0].kind is ElementKind.OBJECT:
                yield from _connection(text, declarations[0])


def _connection(text: LintedText, connection: Element) -> Iterator[Problem]:
    edges, page_info = (_type_of(text, connection.name, field) for field in ("edges", "pageInfo"))
    if edges is None or not is_list(edges):
        yield _missing(connection, "edges", f"[{connection.name.removesuffix(_SUFFIX)}Edge!]!")
    elif named_type(edges) in text.types:
        edge = text.types[named_type(edges)][0]
        if _type_of(text, edge.name, "node") is None:
            yield _missing(edge, "node", connection.name.removesuffix(_SUFFIX))
        cursor = _type_of(text, edge.name, "cursor")
        if cursor is None or is_list(cursor):
            yield _missing(edge, "cursor", "String!")
    if page_info is None or named_type(page_info) != "PageInfo" or not isinstance(page_info, NonNullTypeNode):
        yield _missing(connection, "pageInfo", "PageInfo!")


def _type_of(text: LintedText, type_name: str, field: str) -> TypeNode | None:
    element = text.fields.get(f"{type_name}.{field}")
    return element.node.type if element is not None and isinstance(element.node, FieldDefinitionNode) else None


def _missing(element: Element, field: str, form: str) -> Problem:
    return Problem(
        element,
        f"The {element.kind} {element.name} has no field {field} of the form that clients of Relay expect.",
        f"Add {field}: {form}.",
        detail=field,
    )
