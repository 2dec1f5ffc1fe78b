"""Writes the fetch of a fetch group: the text of the operation, and the selections as data (planning §8.1).

The text is written directly without insignificant characters. With graphql-core's `print_ast` and
`strip_ignored_characters`, this would take most of the planning time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from graphql import NamedTypeNode, NonNullTypeNode, print_ast, strip_ignored_characters

from router.federation.type_references import TYPENAME
from router.plan import BatchFetch, BatchPart, Fetch, OutputField, OutputFragment
from router.planner.fetch.conflicting_field_aliases import without_conflicts
from router.planner.fetch.fetch_node_requires import requires_of, rewrites_of
from router.planner.fetch.selection_trees import common_guards
from router.planner.normalise.argument_text import argument_text, spaced, variables_in
from router.planner.normalise.argument_without_location import without_location
from router.planner.normalise.skip_and_include_guards import directive_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from graphql import ArgumentNode, OperationDefinitionNode

    from router.plan import Condition, Flatten, OperationKind, OutputSelection
    from router.planner.fetch.fetch_groups import FetchGroup
    from router.planner.fetch.selection_trees import Tree, TreeField
    from router.planner.normalise.skip_and_include_guards import Guards
    from router.supergraph.model import SubgraphModel

Conditions: TypeAlias = tuple[tuple[str, bool], ...]
_REPRESENTATIONS = "representations"
_TYPENAME_FIELD = OutputField(TYPENAME, TYPENAME)


@dataclass(frozen=True, slots=True)
class WrittenFetch:
    """A fetch, the text of its selection set, and the client's variables in `@skip` and `@include` conditions."""

    fetch: Fetch
    selection_set: str
    guards: frozenset[str]


class _WrittenArgument(NamedTuple):
    """The text of an argument, the variables in the argument, and the argument without its location."""

    text: str
    variables: frozenset[str]
    node: ArgumentNode


class OperationWriter:
    """Writes the fetches of one client operation."""

    def __init__(self, operation: OperationDefinitionNode) -> None:
        self._name = None if operation.name is None else operation.name.value
        self._definitions = {
            definition.variable.name.value: replace(definition, directives=())
            for definition in operation.variable_definitions or ()
        }
        self._texts: dict[tuple[str, bool], str] = {}
        self._arguments: dict[int, _WrittenArgument] = {}
        self._representations = _REPRESENTATIONS
        while any(name.startswith(self._representations) for name in self._definitions):
            self._representations = f"_{self._representations}"

    def fetch(self, group: FetchGroup, subgraph: SubgraphModel, root: tuple[str, OperationKind]) -> WrittenFetch:
        """Return the fetch of a group.

        `root` has the root type and the kind of the operation. An entity fetch is always a query.
        """
        type_name, kind = root
        tree, renamers = without_conflicts(subgraph, type_name, group.tree)
        body = _SelectionWriter(self._written_argument)
        emitted = common_guards(tree)
        text, selections = body.selections(tree, emitted)
        filled = {value.variable: f"${value.variable}:{value.type}" for value in group.contexts}
        asked = sorted(body.variables - filled.keys())
        definitions = [self._definition(name, required=name in body.guards) for name in asked]
        definitions += [filled[name] for name in sorted(filled)]
        if group.inputs:
            kind = "query"
            definitions.insert(0, f"${self._representations}:[_Any!]!")
        name = self._operation_name(group)
        written = f"{{_entities(representations:${self._representations}){text}}}" if group.inputs else text
        fetch = Fetch(
            id=group.number,
            service_name=group.subgraph,
            operation=_operation(kind, name, definitions, written),
            operation_kind=kind,
            operation_name=name,
            variable_usages=tuple(asked),
            requires=requires_of(group.inputs, emitted),
            depends_on=tuple(sorted(group.after)),
            input_rewrites=rewrites_of(group.inputs),
            output_rewrites=renamers,
            context_rewrites=tuple(rewrite for value in group.contexts for rewrite in value.rewrites),
            representations=self._representations,
            selections=selections,
        )
        return WrittenFetch(fetch, text, frozenset(body.guards))

    def batch(self, parts: Sequence[tuple[WrittenFetch, Flatten | Condition]]) -> BatchFetch:
        """Return a batch of entity fetches of one subgraph.

        `parts` has each fetch with its plan node. The plan node becomes the `node` of a `BatchPart`.
        """
        first = parts[0][0].fetch
        guards = frozenset[str]().union(*(written.guards for written, _ in parts))
        used = sorted({name for written, _ in parts for name in written.fetch.variable_usages})
        return BatchFetch(
            service_name=first.service_name,
            parts=tuple(
                BatchPart(f"_e{index}", f"{self._representations}_{index}", written.selection_set, node)
                for index, (written, node) in enumerate(parts)
            ),
            definitions=tuple((name, self._definition(name, required=name in guards)) for name in used),
            operation_name=first.operation_name,
        )

    def _written_argument(self, argument: ArgumentNode) -> _WrittenArgument:
        known = self._arguments.get(id(argument))
        if known is None:
            variables = frozenset(variables_in(argument.value))
            known = _WrittenArgument(argument_text(argument), variables, without_location(argument))
            self._arguments[id(argument)] = known
        return known

    def _definition(self, variable: str, *, required: bool) -> str:
        """Return the text of the client's variable definition.

        With `required`, the type becomes non-null, because `@skip` and `@include` do not accept a nullable variable.
        """
        known = self._texts.get((variable, required))
        if known is not None:
            return known
        definition = self._definitions[variable]
        if required and definition.default_value is None and isinstance(definition.type, NamedTypeNode):
            definition = replace(definition, type=NonNullTypeNode(type=definition.type))
        text = self._texts[variable, required] = strip_ignored_characters(print_ast(definition))
        return text

    def _operation_name(self, group: FetchGroup) -> str | None:
        if self._name is None:
            return None
        subgraph = re.sub(r"\W", "_", group.subgraph, flags=re.ASCII)
        return f"{self._name}__{subgraph}__{group.number}"


def _operation(kind: OperationKind, name: str | None, definitions: Sequence[str], selections: str) -> str:
    head = f"{kind} {name}" if name else kind
    if definitions:
        return f"{head}({spaced(definitions)}){selections}"
    return selections if head == "query" else f"{head}{selections}"


@dataclass(slots=True)
class _SelectionWriter:
    """Writes selections, and collects the variables in the text.

    `variables` collects all variables. `guards` collects the variables of `@skip` and `@include`.
    """

    written_argument: Callable[[ArgumentNode], _WrittenArgument]
    variables: set[str] = field(default_factory=set)
    guards: set[str] = field(default_factory=set)

    def selections(self, tree: Tree, emitted: Guards) -> tuple[str, tuple[OutputSelection, ...]]:
        """Return the selection set as text and as data. The `emitted` guards of parents are not written again."""
        texts: list[str] = []
        selected: list[OutputSelection] = []
        if tree.is_abstract and not any(entry.key == TYPENAME and entry.guards <= emitted for entry in tree.fields):
            texts.append(TYPENAME)
            selected.append(_TYPENAME_FIELD)
        texts += [self._field(entry, emitted, selected) for entry in tree.fields]
        for type_name, tree_below in tree.fragments:
            common = common_guards(tree_below)
            text, below = self.selections(tree_below, emitted | common)
            guards = common - emitted
            own, around = _own_and_around(guards)
            texts.append(self._guarded(f"...on {type_name}", text, own, around))
            selected.append(_wrapped(OutputFragment(type_name, below, own), around))
        if not texts:
            return f"{{{TYPENAME}}}", (_TYPENAME_FIELD,)
        return f"{{{spaced(texts)}}}", tuple(selected)

    def _field(self, entry: TreeField, emitted: Guards, selected: list[OutputSelection]) -> str:
        head = entry.name if entry.key == entry.name else f"{entry.key}:{entry.name}"
        arguments: tuple[ArgumentNode, ...] = ()
        if entry.arguments:
            written = [self.written_argument(argument) for argument in entry.arguments]
            self.variables.update(*(each.variables for each in written))
            head = f"{head}({spaced([each.text for each in written])})"
            arguments = tuple([each.node for each in written])
        text, below = ("", ()) if entry.tree is None else self.selections(entry.tree, emitted | entry.guards)
        own, around = _own_and_around(entry.guards - emitted)
        selected.append(_wrapped(OutputField(entry.key, entry.name, below, own, arguments), around))
        return self._guarded(head, text, own, around)

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
    """Split the guards of a selection: directives of the selection itself, and of fragments around it.

    A selection can have one `@include` and one `@skip`. Further guards are written on fragments around the selection.
    """
    if not guards:
        return (), ()
    own = {truth: (name, truth) for name, truth in sorted(guards, reverse=True)}
    return tuple(own.values()), tuple(sorted(guards - set(own.values())))


def _wrapped(selection: OutputSelection, around: Conditions) -> OutputSelection:
    for guard in around:
        selection = OutputFragment(None, (selection,), (guard,))
    return selection
