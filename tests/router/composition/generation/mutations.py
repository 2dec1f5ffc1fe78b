"""Break a set of subgraphs a little: change one syntax node, as an editing mistake would."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from graphql import (
    DirectiveDefinitionNode,
    DirectiveNode,
    DocumentNode,
    EnumValueNode,
    FieldDefinitionNode,
    FloatValueNode,
    GraphQLError,
    InputValueDefinitionNode,
    IntValueNode,
    ListTypeNode,
    NamedTypeNode,
    NameNode,
    Node,
    NonNullTypeNode,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    ScalarTypeDefinitionNode,
    StringValueNode,
    TypeNode,
    parse,
    print_ast,
)

from tests.router.oracle.choices import chance
from tests.router.oracle.choices import pick as pick_from

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tests.router.oracle.choices import Choices

N = TypeVar("N", bound=Node)
T = TypeVar("T")


class NoCandidate(Exception):
    """The document has no node for the mutation."""


def pick(choices: Choices, options: Sequence[T]) -> T:
    if not options:
        raise NoCandidate
    return pick_from(choices, options)


# Lists of nodes; a document without one item, or with one more, usually still parses.
LISTS = ("directives", "fields", "arguments", "values", "types", "interfaces", "definitions", "locations")
# Directives to add anywhere.
DIRECTIVES = (
    "@shareable",
    "@external",
    '@key(fields: "id")',
    '@key(fields: "id", resolvable: false)',
    '@requires(fields: "id")',
    '@provides(fields: "id")',
    '@override(from: "alpha")',
    '@override(from: "beta", label: "percent(101)")',
    "@inaccessible",
    '@tag(name: "stray")',
    "@interfaceObject",
    "@authenticated",
    '@requiresScopes(scopes: [["z"]])',
    '@policy(policies: [["z"]])',
    "@cost(weight: 3)",
    "@listSize(assumedSize: -1)",
    '@listSize(slicingArguments: ["a0"])',
    '@listSize(sizedFields: ["id"])',
    '@context(name: "ctx")',
    '@context(name: "bad_name")',
    "@deprecated",
    '@cacheTag(format: "x")',
    "@extends",
    "@nowhere",
)
STRINGS = (
    "",
    "id",
    "id id",
    "nope",
    "id {",
    "id { id }",
    "a: id",
    'id @tag(name: "x")',
    "org { id }",
    "org",
    "sku",
    "__typename",
    "u0 p0 r0",
    "... on User { id }",
    "u0(a0: 1)",
    "$ctx { id }",
    "$ctx { propUser }",
    "ctx { id }",
    "alpha",
    "beta",
    "@custom",
    "percent(5)",
    "https://specs.apollo.dev/federation/v2.3",
    "https://specs.apollo.dev/federation/v2.99",
    "https://specs.apollo.dev/federation/v1.0",
    "https://specs.apollo.dev/link/v1.0",
    "https://specs.apollo.dev/tag/v0.3",
    "https://other.example/thing/v1.2",
)


def mutated(choices: Choices, texts: Mapping[str, str]) -> dict[str, str]:
    """The subgraphs with one of them changed or removed."""
    changed = dict(texts)
    name = pick(choices, list(changed))
    if len(changed) > 1 and chance(choices, 4):
        del changed[name]
        return changed
    if chance(choices, 2):
        changed[name] = _with_syntax_error(choices, changed[name])
        return changed
    try:
        document = parse(changed[name], no_location=True)
        others = [parse(text, no_location=True) for text in changed.values()]
    except GraphQLError:
        return changed
    mutation = pick(choices, MUTATIONS)
    try:
        changed[name] = print_ast(mutation(choices, document, others)) + "\n"
    except NoCandidate:
        return changed
    return changed


def _with_syntax_error(choices: Choices, text: str) -> str:
    at = choices.number(0, max(len(text) - 1, 0))
    return text[:at] + pick(choices, ("", "}", "@", '"', "&", "!")) + text[at + 1 :]


def nodes(root: Node) -> Iterator[Node]:
    """Every node of the tree, the root first."""
    yield root
    for key in root.keys:
        value = getattr(root, key, None)
        for child in value if isinstance(value, list | tuple) else [value]:
            if isinstance(child, Node):
                yield from nodes(child)


def _nodes_of(root: Node, kind: type[N]) -> list[N]:
    return [node for node in nodes(root) if isinstance(node, kind)]


def _item_lists(document: DocumentNode) -> list[tuple[Node, str]]:
    """Each list of the document once for each item, so that all items are equally likely."""
    found = [(node, key) for node in nodes(document) for key in LISTS]
    return [(node, key) for node, key in found for _ in getattr(node, key, None) or ()]


def edited(node: Node, target: Node, changes: Mapping[str, object]) -> Node:
    """The tree with changed attributes of one node. Nodes are frozen, so its ancestors are copied."""
    if node is target:
        return _changed(node, changes)
    for key in node.keys:
        value = getattr(node, key, None)
        children = value if isinstance(value, tuple) else (value,)
        for index, child in enumerate(children):
            if isinstance(child, Node) and (fresh := edited(child, target, changes)) is not child:
                items = (*children[:index], fresh, *children[index + 1 :])
                return _changed(node, {key: items if isinstance(value, tuple) else fresh})
    return node


def _changed(node: Node, changes: Mapping[str, object]) -> Node:
    attributes: dict[str, Any] = {key: getattr(node, key, None) for key in node.keys}
    return type(node)(**attributes | dict(changes))


def _remove_item(choices: Choices, document: DocumentNode, _: list[DocumentNode]) -> Node:
    node, key = pick(choices, _item_lists(document))
    items = list(getattr(node, key))
    del items[choices.number(0, len(items) - 1)]
    return edited(document, node, {key: tuple(items)})


def _copy_item(choices: Choices, document: DocumentNode, others: list[DocumentNode]) -> Node:
    """Copy an item into another list of the same kind, perhaps from another subgraph."""
    source, key = pick(choices, [place for other in others for place in _item_lists(other)])
    targets = [node for node, kind in _item_lists(document) if kind == key]
    if not targets:
        return document
    node = pick(choices, targets)
    items = list(getattr(node, key))
    items.insert(choices.number(0, len(items)), pick(choices, getattr(source, key)))
    return edited(document, node, {key: tuple(items)})


def _change_type(choices: Choices, document: DocumentNode, _: list[DocumentNode]) -> Node:
    typed: list[FieldDefinitionNode | InputValueDefinitionNode] = [*_nodes_of(document, FieldDefinitionNode)]
    typed += _nodes_of(document, InputValueDefinitionNode)
    node = pick(choices, typed)
    bare = nullable(node.type)
    other = pick(choices, _nodes_of(document, NamedTypeNode))
    options: tuple[TypeNode, ...] = (bare, NonNullTypeNode(type=bare), ListTypeNode(type=node.type), other)
    return edited(document, node, {"type": pick(choices, options)})


def nullable(written: TypeNode) -> NamedTypeNode | ListTypeNode:
    match written:
        case NonNullTypeNode():
            return written.type
        case NamedTypeNode() | ListTypeNode():
            return written
    raise TypeError(written.kind)


def _rename(choices: Choices, document: DocumentNode, _: list[DocumentNode]) -> Node:
    names = _nodes_of(document, NameNode)
    return edited(document, pick(choices, names), {"value": pick(choices, names).value})


def _change_string(choices: Choices, document: DocumentNode, _: list[DocumentNode]) -> Node:
    strings = _nodes_of(document, StringValueNode)
    node = pick(choices, strings)
    value = pick(choices, strings).value if chance(choices, 30) else pick(choices, STRINGS)
    return edited(document, node, {"value": value})


def _nodes_with_directives(document: DocumentNode) -> list[Node]:
    """Nodes that can have directives, except definitions of directives: other parsers do not accept these yet."""
    return [n for n in nodes(document) if "directives" in n.keys and not isinstance(n, DirectiveDefinitionNode)]


def _loosen_literal(choices: Choices, document: DocumentNode, _: list[DocumentNode]) -> Node:
    """Write a literal in another kind: a name without quotes, a string for an enum value, `1.0` for `1`."""
    literals = [*_nodes_of(document, StringValueNode), *_nodes_of(document, EnumValueNode)]
    node = pick(choices, [*literals, *_nodes_of(document, IntValueNode)])
    other: EnumValueNode | StringValueNode | FloatValueNode
    match node:
        case StringValueNode() if not node.value.isidentifier():
            raise NoCandidate
        case StringValueNode():
            other = EnumValueNode(value=node.value)
        case EnumValueNode():
            other = StringValueNode(value=node.value, block=False)
        case IntValueNode():
            other = FloatValueNode(value=f"{node.value}.0")
        case _:
            raise NoCandidate
    return _replaced(document, node, other)


def _replaced(root: Node, target: Node, other: Node) -> Node:
    """The tree with `other` in place of one node."""
    for parent in nodes(root):
        for key in parent.keys:
            value = getattr(parent, key, None)
            if value is target:
                return edited(root, parent, {key: other})
            if isinstance(value, tuple) and any(item is target for item in value):
                return edited(root, parent, {key: tuple(other if item is target else item for item in value)})
    raise NoCandidate


def _add_directive(choices: Choices, document: DocumentNode, _: list[DocumentNode]) -> Node:
    node = pick(choices, _nodes_with_directives(document))
    (scalar,) = _nodes_of(parse(f"scalar S {pick(choices, DIRECTIVES)}", no_location=True), ScalarTypeDefinitionNode)
    return _with_directives(document, node, scalar.directives or ())


def _with_directives(document: Node, node: Node, added: Sequence[DirectiveNode]) -> Node:
    return edited(document, node, {"directives": (*(getattr(node, "directives", None) or ()), *added)})


def _move_directive(choices: Choices, document: DocumentNode, _: list[DocumentNode]) -> Node:
    """Move a directive from one node to another."""
    source = pick(choices, [node for node in nodes(document) if getattr(node, "directives", None)])
    directives = list(getattr(source, "directives", ()))
    directive = directives.pop(choices.number(0, len(directives) - 1))
    without = edited(document, source, {"directives": tuple(directives)})
    if not isinstance(without, DocumentNode):
        return document
    return _with_directives(without, pick(choices, _nodes_with_directives(without)), [directive])


def _make_extension(choices: Choices, document: DocumentNode, _: list[DocumentNode]) -> Node:
    """Make an extension of a definition."""
    node = pick(choices, _nodes_of(document, ObjectTypeDefinitionNode))
    extension = ObjectTypeExtensionNode(
        name=node.name, interfaces=node.interfaces, directives=node.directives, fields=node.fields
    )
    kept = [one for one in document.definitions if one is not node]
    return replace(document, definitions=(*kept, extension))


MUTATIONS: tuple[Callable[[Choices, DocumentNode, list[DocumentNode]], Node], ...] = (
    _remove_item,
    _remove_item,
    _copy_item,
    _change_type,
    _rename,
    _change_string,
    _loosen_literal,
    _add_directive,
    _add_directive,
    _move_directive,
    _make_extension,
)
