"""Find the deferred blocks of an operation, and the selections of its initial response (planning §3.19).

    { user { name ... @defer(label: "more") { age friends { name ... @defer { age } } } } }

A deferred block has the selections of one deferred fragment at one path. This operation has the block "more" at `user`.
Inside this block is a second block at `user/friends`. The initial response has all selections outside the blocks. If a
deferred fragment is spread at two paths, it makes two blocks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import msgspec
from graphql import FieldNode, FragmentSpreadNode, InlineFragmentNode
from msgspec.structs import replace

from router.federation.find_type_name_in_reference import TYPENAME
from router.plan import OutputField, OutputFragment
from router.plan.client_and_internal_response_keys import client_key, internal_key
from router.planner.normalise.argument_text import argument_text, join_tokens
from router.planner.normalise.argument_without_location import without_location
from router.planner.normalise.merge_selections import MAX_SELECTIONS, TooComplexError
from router.planner.normalise.read_defer_directive import is_deferred, label_of
from router.planner.normalise.skip_and_include_guards import ALWAYS, directive_text, narrowed

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

    from graphql import FragmentDefinitionNode, SelectionSetNode

    from router.plan import OutputSelection
    from router.planner.normalise.merge_selections import Normaliser
    from router.planner.normalise.read_defer_directive import Fragment
    from router.planner.normalise.skip_and_include_guards import Guards

ByText: TypeAlias = "dict[str, OutputSelection]"
_META_FIELDS = frozenset({"__schema", "__type"})


class PartSelections(NamedTuple):
    """The client's selections in one part of the response: as minified text, and as data."""

    text: str
    selections: tuple[OutputSelection, ...]


class Block(msgspec.Struct, eq=False):
    """A deferred block: the selections of one deferred fragment, on the object at one path.

    Attributes:
        number: The number of the block in document order, from 0.
        label: The `label` of `@defer`, None without a label.
        path: The path of the object: response keys, and type conditions as `... on T`.
        parent: The block that contains this block, None for an outermost block.
        selections: The client's selections in this block, without the selections of inner blocks. None if nothing is
            selected.
    """

    number: int
    label: str | None
    path: tuple[str, ...]
    parent: Block | None = None
    selections: PartSelections | None = None


class _SelectedObject(msgspec.Struct, frozen=True):
    """An object that the operation selects.

    Attributes:
        type_name: The type of the object.
        keys: The internal response keys on the path of the object (see `plan/client_and_internal_response_keys`).
        path: The client's response keys, and type conditions as `... on T`.
        block: The block that selects the object, None if the initial response has the object.
    """

    type_name: str
    keys: tuple[str, ...] = ()
    path: tuple[str, ...] = ()
    block: Block | None = None


class DeferredBlocks:
    """Finds the deferred blocks of one operation.

    `selections` has the client's selections in the initial response, and is None if there are none.
    """

    def __init__(
        self, normaliser: Normaliser, fragments: Mapping[str, FragmentDefinitionNode], deferring: Container[str]
    ) -> None:
        self._normaliser = normaliser
        self._fragments = fragments
        self._deferring = deferring
        self._found: dict[tuple[tuple[str, ...], int, Block | None], Block] = {}
        # The objects that have a deferred block at their path or below. An object is identified by the keys of its path
        # and by the block that selects it.
        self._above: set[tuple[tuple[str, ...], Block | None]] = set()
        self._selections_left = MAX_SELECTIONS
        self.selections: PartSelections | None = None

    def find(self, selection_set: SelectionSetNode, type_name: str) -> None:
        """Find the deferred blocks of the operation with this selection set, and set `selections`.

        Raises:
            TooComplexError: The operation has more selections than can be planned.
        """
        self.selections = _part(self._by_text(selection_set, _SelectedObject(type_name)))

    def at(self, keys: tuple[str, ...], fragment: int, within: Block | None) -> Block:
        """Return the block that a deferred fragment makes for the object at the path `keys`.

        `fragment` is the `id()` of the fragment. `within` is the block that selects the object.
        """
        return self._found[keys, fragment, within]

    def inside(self, block: Block | None) -> list[Block]:
        """Return the blocks directly inside `block`. If `block` is None, return the outermost blocks."""
        return [
            inner
            for inner in self._found.values()
            if inner.parent is block and (inner.selections is not None or self.inside(inner))
        ]

    def _by_text(self, selection_set: SelectionSetNode, selected: _SelectedObject) -> ByText:
        """Return the selections on an object by their texts. Selections with equal texts are returned once.

        Deferred fragments are left out: each deferred fragment becomes a block.
        """
        self._selections_left -= len(selection_set.selections)
        if self._selections_left < 0:
            raise TooComplexError
        found: ByText = {}
        for selection in selection_set.selections:
            guards = narrowed(ALWAYS, selection.directives)
            if guards is None:
                continue
            if isinstance(selection, FieldNode):
                found.update(self._field(selection, selected, guards))
                continue
            assert isinstance(selection, FragmentSpreadNode | InlineFragmentNode)  # noqa: S101 - else a fragment
            if is_deferred(selection, self._deferring):
                self._defer(selection, selected, guards)
            else:
                found.update(self._fragment(selection, selected, guards))
        return found

    def _field(self, node: FieldNode, selected: _SelectedObject, guards: Guards) -> ByText:
        name, key = node.name.value, client_key(node)
        if name in _META_FIELDS:
            return {}
        written = OutputField(key, name, (), tuple(sorted(guards)), tuple(map(without_location, node.arguments or ())))
        head = name if key == name else f"{key}:{name}"
        if node.arguments:
            head += f"({join_tokens([argument_text(argument) for argument in node.arguments])})"
        head += _directives(guards)
        if node.selection_set is None:
            return {head: written}
        target = self._normaliser.target(selected.type_name, name)
        below = _SelectedObject(target, (*selected.keys, internal_key(node)), (*selected.path, key), selected.block)
        body = self._by_text(node.selection_set, below)
        if not body and (below.keys, below.block) not in self._above:
            # All selections on the object can be excluded by `@skip` or `@include`. The response still has the object,
            # so the text needs at least `__typename`.
            body = {TYPENAME: OutputField(TYPENAME, TYPENAME)}
        return {head + _braced(body): written._replace(selections=tuple(body.values()))} if body else {}

    def _fragment(self, fragment: Fragment, selected: _SelectedObject, guards: Guards) -> ByText:
        condition, selection_set = self._opened(fragment)
        is_narrower = condition is not None and self._normaliser.is_narrower(selected.type_name, condition)
        inner = replace(selected, type_name=condition or selected.type_name)
        if is_narrower:
            inner = replace(inner, path=(*selected.path, f"... on {condition}"))
        found = self._by_text(selection_set, inner)
        if is_narrower or guards:
            return _wrapped(found, condition if is_narrower else None, guards)
        return found

    def _opened(self, fragment: Fragment) -> tuple[str | None, SelectionSetNode]:
        """Return the type condition of a fragment, or None, and the selection set of the fragment."""
        if isinstance(fragment, FragmentSpreadNode):
            definition = self._fragments[fragment.name.value]
            return definition.type_condition.name.value, definition.selection_set
        condition = fragment.type_condition
        return None if condition is None else condition.name.value, fragment.selection_set

    def _defer(self, fragment: Fragment, selected: _SelectedObject, guards: Guards) -> None:
        key = (selected.keys, id(fragment), selected.block)
        if key in self._found:
            return
        block = self._found[key] = Block(len(self._found), label_of(fragment), selected.path, selected.block)
        self._above |= {(selected.keys[:length], selected.block) for length in range(1, len(selected.keys) + 1)}
        condition, selection_set = self._opened(fragment)
        found = self._by_text(selection_set, replace(selected, type_name=condition or selected.type_name, block=block))
        if condition is not None or guards:
            found = _wrapped(found, condition, guards)
        block.selections = _part(found)


def _wrapped(found: ByText, condition: str | None, guards: Guards) -> ByText:
    """Return the selections wrapped in an inline fragment. The result is empty if there are no selections."""
    if not found:
        return {}
    head = "..." if condition is None else f"...on {condition}"
    fragment = OutputFragment(condition, tuple(found.values()), tuple(sorted(guards)))
    return {f"{head}{_directives(guards)}{_braced(found)}": fragment}


def _part(found: ByText) -> PartSelections | None:
    return PartSelections(_braced(found), tuple(found.values())) if found else None


def _braced(texts: Iterable[str]) -> str:
    return f"{{{join_tokens(texts)}}}"


def _directives(guards: Guards) -> str:
    return "".join(directive_text(guard) for guard in sorted(guards))
