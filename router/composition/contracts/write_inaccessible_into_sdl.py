"""Write `@inaccessible` into the text of a supergraph, and leave all other text as it is.

The syntax node of an element says where to write the directive. A missing `@link` to the inaccessible specification and
a missing definition of `@inaccessible` are added. A `@link` with version 0.1 is changed to version 0.2, because version
0.1 does not allow `@inaccessible` on all kinds of elements.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphql.language import (
    DirectiveDefinitionNode,
    FieldDefinitionNode,
    InputValueDefinitionNode,
    InterfaceTypeDefinitionNode,
    Node,
    ObjectTypeDefinitionNode,
    SchemaDefinitionNode,
    SchemaExtensionNode,
    print_ast,
)

from router.federation.linked_specs import CORE_IDENTITY, LINK_IDENTITY
from router.federation.spec_versions import APOLLO, spec_versions

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from graphql import DocumentNode

    from router.composition.model import Element
    from router.federation.linked_specs import Link, Links

_SPEC = spec_versions("inaccessible")[-1]


@dataclass(frozen=True, slots=True, order=True)
class _Edit:
    """Replace the characters from `start` up to `end` by `text`. If `start` and `end` are equal, insert `text`."""

    start: int
    end: int
    text: str


def mark(text: str, document: DocumentNode, links: Links, hidden: Sequence[Element]) -> str:
    """Return the text with `@inaccessible` on every hidden element.

    `document` must be parsed from `text`, and must contain the syntax nodes of the hidden elements.
    """
    link = links.get(f"{APOLLO}/inaccessible")
    name = link.directive_name("inaccessible") if link else _free_name(document, links)
    edits = [_after_directives(text, element.node, f"@{name}") for element in hidden if element.node is not None]
    edits += _link(text, document, links, name) if link is None else _newest(link)
    edits += _definition(document, name)
    return _apply(text, edits)


def _apply(text: str, edits: list[_Edit]) -> str:
    parts, end = [], 0
    for edit in sorted(edits):
        parts += [text[end : edit.start], edit.text]
        end = edit.end
    return "".join([*parts, text[end:]])


def _span(node: Node) -> tuple[int, int]:
    if node.loc is None:
        raise ValueError(f"the {node.kind} was not parsed from the text")
    return node.loc.start, node.loc.end


def _after_directives(text: str, node: Node, directive: str) -> _Edit:
    """Return the edit that adds `directive` after the last directive of the node.

    If the last directive begins a line, `directive` gets a new line with the same indent.
    """
    directives = getattr(node, "directives", ())
    start, end = _span(directives[-1] if directives else _last_before_directives(node))
    before = text[text.rfind("\n", 0, start) + 1 : start]
    separator = f"\n{before}" if directives and not before.strip() else " "
    return _Edit(end, end, separator + directive)


def _last_before_directives(node: Node) -> Node:
    match node:
        case FieldDefinitionNode():
            return node.type
        case InputValueDefinitionNode():
            return node.default_value or node.type
        case ObjectTypeDefinitionNode() | InterfaceTypeDefinitionNode():
            return node.interfaces[-1] if node.interfaces else node.name
        case _:
            name = getattr(node, "name", None)
            if not isinstance(name, Node):
                raise TypeError(f"a {node.kind} cannot have directives")
            return name


def _free_name(document: DocumentNode, links: Links) -> str:
    taken = {node.name.value for node in document.definitions if isinstance(node, DirectiveDefinitionNode)}
    taken |= {link.alias for link in links}
    candidates = ("inaccessible", *(f"inaccessible{number}" for number in range(1, len(taken) + 2)))
    return next(name for name in candidates if name not in taken)


def _link(text: str, document: DocumentNode, links: Links, name: str) -> Iterator[_Edit]:
    alias = f', as: "{name}"' if name != _SPEC.name else ""
    core = links.get(CORE_IDENTITY)
    if core is not None:
        # `@core` is the predecessor of `@link`. Version 0.1 of `@core` has no argument `for`.
        purpose = ", for: SECURITY" if core.url.version.minor > 1 else ""
        directive = f'@{core.directive_name("core")}(feature: "{_SPEC.url}"{alias}{purpose})'
    else:
        link = links.get(LINK_IDENTITY)
        carrier = link.directive_name("link") if link else "link"
        directive = f'@{carrier}(url: "{_SPEC.url}"{alias}, for: SECURITY)'
    schema = next(
        node
        for node in document.definitions
        if isinstance(node, SchemaDefinitionNode | SchemaExtensionNode) and node.directives
    )
    yield _after_directives(text, schema, directive)


def _newest(link: Link) -> Iterator[_Edit]:
    if link.url.version == _SPEC.version or link.node is None:
        return
    for argument in link.node.arguments or ():
        if argument.name.value in ("url", "feature"):
            yield _Edit(*_span(argument.value), f'"{_SPEC.url}"')


def _definition(document: DocumentNode, name: str) -> Iterator[_Edit]:
    """Yield the edit that adds or updates the definition of `@inaccessible`.

    If the supergraph already has the newest definition, yield nothing. A supergraph has its directive definitions in
    alphabetical order, and the new definition is inserted in this order.
    """
    newest = _SPEC.directives["inaccessible"]
    definition = print_ast(newest).replace("@inaccessible", f"@{name}", 1)
    directives = [node for node in document.definitions if isinstance(node, DirectiveDefinitionNode)]
    present = next((node for node in directives if node.name.value == name), None)
    if present is not None:
        if {each.value for each in present.locations} != {each.value for each in newest.locations}:
            yield _Edit(*_span(present), definition)
        return
    following = next((node for node in directives if node.name.value > name), None)
    if following is not None:
        start, _ = _span(following)
        yield _Edit(start, start, f"{definition}\n\n")
        return
    _, end = _span(document.definitions[-1])
    yield _Edit(end, end, f"\n\n{definition}")
