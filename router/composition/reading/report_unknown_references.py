"""Report unknown directives and types in a schema with a wrong `@link` or a wrong definition of a federation directive.

If an `@link` is wrong, the definitions of the linked specification are missing, so its directives and types are
unknown. There are two cases:

- If a field or argument has an unknown type, or the `schema` definition has an unknown directive, only these types and
  directives are reported. The wrong `@link` or definition is not reported.
- Otherwise, the wrong `@link` or definition is reported. Unknown interfaces, unknown union members, and unknown
  directives on types, fields etc. are reported too.

If the federation version is unknown, federation directives and types are not reported as unknown: only the version is
wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql import specified_directives
from graphql.language import (
    DefinitionNode,
    DirectiveDefinitionNode,
    DirectiveNode,
    FieldDefinitionNode,
    InputValueDefinitionNode,
    NamedTypeNode,
    Node,
    SchemaDefinitionNode,
    SchemaExtensionNode,
    TypeDefinitionNode,
    TypeExtensionNode,
    Visitor,
    visit,
)

from router.composition.model import BUILT_IN_SCALARS
from router.composition.type_refs import base_name, from_node
from router.federation.linked_specs import Links

if TYPE_CHECKING:
    from collections.abc import Sequence

    from router.composition.reading.subgraph_document import SubgraphDocument
    from router.composition.report import Report


def report_unknown_references(
    name: str,
    document: SubgraphDocument,
    definitions: Sequence[DefinitionNode],
    report: Report,
    *,
    of_unknown_version: Links | None = None,
) -> bool:
    """Report INVALID_GRAPHQL for unknown directives and types.

    Returns True if a field or argument has an unknown type, or if the `schema` definition has an unknown directive (the
    first case in the docstring of the module). The caller must then not report the wrong `@link` or definition.

    Args:
        name: The name of the subgraph.
        document: The schema.
        definitions: The definitions in the schema, and the definitions that composition adds to it.
        report: Collects the errors.
        of_unknown_version: The link to an unknown federation version. Its directives and types are not reported.
    """
    found = _Unknown(
        {each.name.value for each in definitions if isinstance(each, TypeDefinitionNode | TypeExtensionNode)}
        | document.removed_types,
        {each.name.value for each in definitions if isinstance(each, DirectiveDefinitionNode)},
        of_unknown_version or Links(),
    )
    for definition in document.definitions:
        visit(definition, found)
    fatal = (*found.types, *found.of_schema)
    for node, what in fatal or found.additional:
        report.error("INVALID_GRAPHQL", f"[{name}] {what} is not known.", [(name, node)])
    return bool(fatal)


class _Unknown(Visitor):
    def __init__(self, types: set[str], directives: set[str], excused: Links) -> None:
        super().__init__()
        self._excused = excused
        self._types = types | BUILT_IN_SCALARS
        self._directives = directives | {directive.name for directive in specified_directives} | {"link", "core"}
        self.types: list[tuple[Node, str]] = []
        self.additional: list[tuple[Node, str]] = []
        self.of_schema: list[tuple[Node, str]] = []

    def enter_directive(
        self, node: DirectiveNode, _key: object, _parent: object, _path: object, ancestors: Sequence[Node]
    ) -> None:
        if node.name.value in self._directives or self._excused.directive_source(node.name.value):
            return
        on_schema = any(isinstance(each, SchemaDefinitionNode | SchemaExtensionNode) for each in ancestors)
        (self.of_schema if on_schema else self.additional).append((node, f"The directive @{node.name.value}"))

    def enter_field_definition(self, node: FieldDefinitionNode, *_: object) -> None:
        self._typed(node)

    def enter_input_value_definition(self, node: InputValueDefinitionNode, *_: object) -> None:
        self._typed(node)

    def enter_named_type(self, node: NamedTypeNode, key: object, parent: object, *_: object) -> None:
        """Check the name of an implemented interface or of a union member.

        Only these names are items of a list in the syntax tree. All other names of types belong to fields or arguments,
        which the method `_typed` checks.
        """
        if isinstance(key, int) and isinstance(parent, list | tuple) and not self._is_known(node.name.value):
            self.additional.append((node, f"The type {node.name.value}"))

    def _typed(self, node: FieldDefinitionNode | InputValueDefinitionNode) -> None:
        type_name = base_name(from_node(node.type))
        if not self._is_known(type_name):
            self.types.append((node, f"The type {type_name}"))

    def _is_known(self, type_name: str) -> bool:
        return type_name in self._types or self._excused.type_source(type_name) is not None
