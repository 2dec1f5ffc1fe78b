"""Writes the selections of a fetch as text without unnecessary white space, and as data (planning §8.1)."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from router.federation.find_type_name_in_reference import TYPENAME, named_type
from router.plan import OutputField, OutputFragment
from router.planner.fetch.selection_trees import common_guards
from router.planner.normalise.argument_text import join_tokens
from router.planner.normalise.skip_and_include_guards import directive_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from graphql import ArgumentNode

    from router.plan import OutputSelection
    from router.planner.fetch.selection_trees import Tree, TreeField
    from router.planner.normalise.directives_sent_to_subgraphs import FragmentDirectives
    from router.planner.normalise.skip_and_include_guards import Guards
    from router.supergraph.model import SubgraphModel

Conditions: TypeAlias = tuple[tuple[str, bool], ...]
_TYPENAME_FIELD = OutputField(TYPENAME, TYPENAME)


class WrittenArgument(msgspec.Struct, frozen=True):
    """An argument: its text, the variables in it, and its syntax node without a location."""

    text: str
    variables: frozenset[str]
    node: ArgumentNode


class SelectionWriter(msgspec.Struct):
    """Writes the selections of one fetch, and collects the variables in the text.

    `variables` collects all variables. `guards` collects the variables of `@skip` and `@include`. `fragments` collects
    the texts of named fragments, whose names begin with `prefix`. The types of objects are needed only for named
    fragments. If `needs_types` is False, there are no named fragments, and the types are not looked up.
    """

    written_argument: Callable[[ArgumentNode], WrittenArgument]
    subgraph: SubgraphModel
    prefix: str
    needs_types: bool
    fragments: list[str] = msgspec.field(default_factory=list)
    variables: set[str] = msgspec.field(default_factory=set)
    guards: set[str] = msgspec.field(default_factory=set)

    def selections(self, tree: Tree, emitted: Guards, type_name: str) -> tuple[str, tuple[OutputSelection, ...]]:
        """Return the selection set on an object of type `type_name` as text and as data.

        The `emitted` guards (`@skip` and `@include` conditions) are already written around the selection set, so they
        are not written again.
        """
        texts: list[str] = []
        selected: list[OutputSelection] = []
        if tree.is_abstract and not any(entry.key == TYPENAME and entry.guards <= emitted for entry in tree.fields):
            texts.append(TYPENAME)
            selected.append(_TYPENAME_FIELD)
        # Only consecutive fields share a fragment, so the fields keep their order. In a mutation, this order is the
        # order of execution.
        for around, entries in groupby(tree.fields, lambda entry: entry.directives.around):
            written = [self._field(entry, emitted, type_name) for entry in entries]
            if around:
                written = [self._in_fragments(around, written, type_name)]
            texts += (text for text, _ in written)
            selected += (output for _, output in written)
        for below_type, tree_below in tree.fragments:
            common = common_guards(tree_below)
            text, below = self.selections(tree_below, emitted | common, below_type)
            guards = common - emitted
            own, outer = _own_and_around(guards)
            texts.append(self._guarded(f"...on {below_type}", text, own, outer))
            selected.append(_wrapped(OutputFragment(below_type, below, own), outer))
        if not texts:
            return f"{{{TYPENAME}}}", (_TYPENAME_FIELD,)
        return f"{{{join_tokens(texts)}}}", tuple(selected)

    def _field(self, entry: TreeField, emitted: Guards, type_name: str) -> tuple[str, OutputSelection]:
        head = entry.name if entry.key == entry.name else f"{entry.key}:{entry.name}"
        arguments: tuple[ArgumentNode, ...] = ()
        if entry.arguments:
            written = [self.written_argument(argument) for argument in entry.arguments]
            self.variables.update(*(each.variables for each in written))
            head = f"{head}({join_tokens([each.text for each in written])})"
            arguments = tuple([each.node for each in written])
        text = ""
        below: tuple[OutputSelection, ...] = ()
        if entry.tree is not None:
            if self.needs_types:
                type_name = named_type(self.subgraph.types[type_name].fields[entry.name].type)
            text, below = self.selections(entry.tree, emitted | entry.guards, type_name)
        own, around = _own_and_around(entry.guards - emitted)
        directives = entry.directives.own
        if directives.text:
            self.variables |= directives.variables
            text = directives.text + text
        output = OutputField(entry.key, entry.name, below, own, arguments, directives.nodes)
        return self._guarded(head, text, own, around), _wrapped(output, around)

    def _in_fragments(
        self, around: tuple[FragmentDirectives, ...], written: list[tuple[str, OutputSelection]], type_name: str
    ) -> tuple[str, OutputSelection]:
        """Return the fields `written` inside the client's fragments `around` (outermost first).

        `type_name` is the parent type of the fields.
        """
        innermost, *others = reversed(around)
        body = join_tokens([text for text, _ in written])
        data = OutputFragment(None, tuple([output for _, output in written]), directives=innermost.nodes)
        text = self._fragment(innermost, body, type_name)
        for directives in others:
            text = self._fragment(directives, text, type_name)
            data = OutputFragment(None, (data,), directives=directives.nodes)
        return text, data

    def _fragment(self, directives: FragmentDirectives, body: str, type_name: str) -> str:
        """Return `body` in an inline fragment with the directives.

        If a directive is not allowed on an inline fragment, add a named fragment to `fragments` and return its spread.
        """
        self.variables |= directives.variables
        if not directives.needs_name:
            return f"...{directives.inline.text}{{{body}}}"
        if directives.inline.text:
            body = f"...{directives.inline.text}{{{body}}}"
        name = f"{self.prefix}_{len(self.fragments)}"
        self.fragments.append(f"fragment {name} on {type_name}{directives.definition.text}{{{body}}}")
        return f"...{name}{directives.spread.text}"

    def _guarded(self, head: str, below: str, own: Conditions, around: Conditions) -> str:
        """Return the selection with its guards as directives."""
        if not own:
            return head + below
        names = {name for name, _ in (*own, *around)}
        self.variables |= names
        self.guards |= names
        text = head + "".join(directive_text(guard) for guard in own) + below
        for guard in around:
            text = f"...{directive_text(guard)}{{{text}}}"
        return text


def _own_and_around(guards: Guards) -> tuple[Conditions, Conditions]:
    """Split the guards of a selection: those written on the selection itself, and those written on fragments around it.

    A selection can have only one `@include` and one `@skip`. Further guards need fragments around the selection.
    """
    if not guards:
        return (), ()
    own = {truth: (name, truth) for name, truth in sorted(guards, reverse=True)}
    return tuple(own.values()), tuple(sorted(guards - set(own.values())))


def _wrapped(selection: OutputSelection, around: Conditions) -> OutputSelection:
    for guard in around:
        selection = OutputFragment(None, (selection,), (guard,))
    return selection
