"""Parses names, values and directives of regular SDL."""

from __future__ import annotations

from sys import intern
from typing import TYPE_CHECKING, Final, TypeVar, cast

from graphql import GraphQLSyntaxError
from graphql.language import (
    ArgumentNode,
    BooleanValueNode,
    DirectiveNode,
    EnumValueDefinitionNode,
    EnumValueNode,
    FloatValueNode,
    InputValueDefinitionNode,
    IntValueNode,
    Lexer,
    ListValueNode,
    Location,
    NamedTypeNode,
    NameNode,
    NullValueNode,
    ObjectFieldNode,
    ObjectValueNode,
    StringValueNode,
)

from router.federation.sdl.node_places import NodePlace
from router.federation.sdl.split_into_tokens import Irregular, split_into_tokens

if TYPE_CHECKING:
    from collections.abc import Callable

    from graphql.language import ConstDirectiveNode, ConstValueNode, Source

_N = TypeVar("_N")
_Named = TypeVar("_Named", ArgumentNode, ObjectFieldNode, InputValueDefinitionNode, EnumValueDefinitionNode)

_NAME_STARTS: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz")
_NUMBER_STARTS: Final = frozenset("-0123456789")
# This parser is recursive. A text with deeper nesting is irregular: graphql-core parses it, or rejects it.
_MAX_NESTING: Final = 50


class ValueParser:
    """Parses names, values and directives at the current token.

    Nodes without locations are shared: equal names are one node, and so are equal directives with arguments and equal
    named types. A supergraph repeats them thousands of times.

    Attributes:
        at: The number of the current token.
    """

    __slots__ = (
        "_directive_nodes",
        "_has_places",
        "_lexer",
        "_named_types",
        "_names",
        "_nesting",
        "_source",
        "_starts",
        "_texts",
        "at",
    )

    def __init__(self, source: Source, *, has_places: bool = True) -> None:
        self._source = source
        self._has_places = has_places
        self._texts, self._starts = split_into_tokens(source.body)
        self._lexer = Lexer(source)
        self._nesting = 0
        self._names: dict[str, NameNode] = {}
        self._named_types: dict[str, NamedTypeNode] = {}
        self._directive_nodes: dict[tuple[str, ...], DirectiveNode] = {}
        self.at = 0

    def _skips(self, text: str) -> bool:
        """Go to the next token if the current one is this text."""
        if self._texts[self.at] != text:
            return False
        self.at += 1
        return True

    def _expect(self, text: str) -> None:
        if self._texts[self.at] != text:
            raise Irregular
        self.at += 1

    def _place_from(self, first: int) -> NodePlace | None:
        """Return the location from the token with this number to the token before the current one."""
        return self._place(first, self.at - 1)

    def _place(self, first: int, last: int) -> NodePlace | None:
        if not self._has_places:
            return None
        return NodePlace(self._starts[first], self._starts[last] + len(self._texts[last]), self._source)

    def _enter(self) -> None:
        self._nesting += 1
        if self._nesting > _MAX_NESTING:
            raise Irregular

    def _many(self, item: Callable[[], _N], close: str) -> tuple[_N, ...]:
        nodes = [item()]
        while self._texts[self.at] != close:
            nodes.append(item())
        self.at += 1
        return tuple(nodes)

    def _distinct(self, item: Callable[[], _Named], close: str) -> tuple[_Named, ...]:
        nodes = self._many(item, close)
        if len(nodes) > 1 and len({node.name.value for node in nodes}) < len(nodes):
            raise Irregular
        return nodes

    def _name(self) -> NameNode:
        at = self.at
        text = self._texts[at]
        node = self._names.get(text)
        if node is None:
            if text[0] not in _NAME_STARTS:
                raise Irregular
            node = NameNode(value=intern(text), loc=self._place(at, at))
            if not self._has_places:
                self._names[text] = node
        self.at = at + 1
        return node

    def _named_type(self) -> NamedTypeNode:
        node = self._named_types.get(self._texts[self.at])
        if node is not None:
            self.at += 1
            return node
        name = self._name()
        node = NamedTypeNode(name=name, loc=name.loc)
        if not self._has_places:
            self._named_types[name.value] = node
        return node

    def _description(self) -> StringValueNode | None:
        return self._string() if self._texts[self.at][0] == '"' else None

    def _string(self) -> StringValueNode:
        first = self.at
        self.at += 1
        text = self._texts[first]
        is_block = text.startswith('"""')
        if not is_block and "\\" not in text:
            value = text[1:-1]
        else:
            value = self._unescaped(self._starts[first], is_block=is_block)
        return StringValueNode(value=value, block=is_block, loc=self._place_from(first))

    def _unescaped(self, start: int, *, is_block: bool) -> str:
        try:
            token = self._lexer.read_block_string(start) if is_block else self._lexer.read_string(start)
        except GraphQLSyntaxError as error:
            raise Irregular from error
        return token.value or ""

    def _directives(self) -> tuple[ConstDirectiveNode, ...] | None:
        if self._texts[self.at] != "@":
            return None
        nodes = []
        while self._texts[self.at] == "@":
            nodes.append(self._directive())
        return cast("tuple[ConstDirectiveNode, ...]", tuple(nodes))

    def _directive(self) -> DirectiveNode:
        first = self.at
        self.at += 1
        name = self._name()
        if not self._skips("("):
            return DirectiveNode(name=name, arguments=None, loc=self._place_from(first))
        if self._has_places:
            arguments = self._distinct(self._argument, ")")
            return DirectiveNode(name=name, arguments=arguments, loc=self._place_from(first))
        key = self._texts_of_directive(first)
        node = self._directive_nodes.get(key)
        if node is not None:
            self.at = first + len(key)
            return node
        node = self._directive_nodes[key] = DirectiveNode(name=name, arguments=self._distinct(self._argument, ")"))
        return node

    def _texts_of_directive(self, first: int) -> tuple[str, ...]:
        """Return the tokens of the directive that begins at `first`, and that has arguments.

        A string is one token, and other values contain no parentheses. So the first one that closes ends the directive.
        """
        try:
            return tuple(self._texts[first : self._texts.index(")", self.at) + 1])
        except ValueError as error:
            raise Irregular from error

    def _argument(self) -> ArgumentNode:
        first = self.at
        name = self._name()
        self._expect(":")
        return ArgumentNode(name=name, value=self._value(), loc=self._place_from(first))

    def _object_field(self) -> ObjectFieldNode:
        first = self.at
        name = self._name()
        self._expect(":")
        return ObjectFieldNode(name=name, value=self._value(), loc=self._place_from(first))

    def _value(self) -> ConstValueNode:
        first = self.at
        text = self._texts[first]
        start = text[0]
        if start == '"':
            return self._string()
        if start in "[{":
            return self._list_or_object()
        self.at += 1
        place = self._place_from(first)
        if start in _NAME_STARTS:
            return _named_value(text, place)
        if start in _NUMBER_STARTS:
            is_float = any(each in text for each in ".eE")
            return FloatValueNode(value=text, loc=place) if is_float else IntValueNode(value=text, loc=place)
        raise Irregular

    def _list_or_object(self) -> ConstValueNode:
        first = self.at
        self.at += 1
        self._enter()
        node: ListValueNode | ObjectValueNode
        if self._texts[first] == "[":
            values = () if self._skips("]") else self._many(self._value, "]")
            node = ListValueNode(values=values, loc=self._place_from(first))
        else:
            fields = () if self._skips("}") else self._distinct(self._object_field, "}")
            node = ObjectValueNode(fields=fields, loc=self._place_from(first))
        self._nesting -= 1
        return cast("ConstValueNode", node)


def _named_value(text: str, place: Location | None) -> ConstValueNode:
    if text in ("true", "false"):
        return BooleanValueNode(value=text == "true", loc=place)
    return NullValueNode(loc=place) if text == "null" else EnumValueNode(value=text, loc=place)
