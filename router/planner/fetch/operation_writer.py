"""Writes the fetch of a fetch group: the text of the operation, and the selections as data (planning §8.1).

The text is written directly in its shortest form, without white space that the parser ignores. To print it with
graphql-core's `print_ast` and then shorten it with `strip_ignored_characters` would take most of the planning time.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
from graphql import NamedTypeNode, NonNullTypeNode, print_ast, strip_ignored_characters

from router.plan import BatchFetch, BatchPart, Fetch
from router.planner.fetch.conflicting_field_aliases import without_conflicts
from router.planner.fetch.fetch_node_requires import requires_of, rewrites_of
from router.planner.fetch.selection_trees import common_guards
from router.planner.fetch.selection_writer import SelectionWriter, WrittenArgument
from router.planner.normalise.argument_text import argument_text, join_tokens, value_text, variables_in
from router.planner.normalise.argument_without_location import without_location

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graphql import ArgumentNode, OperationDefinitionNode, VariableDefinitionNode

    from router.plan import Condition, Flatten, OperationKind
    from router.planner.fetch.fetch_groups import FetchGroup
    from router.planner.normalise.directives_sent_to_subgraphs import DirectiveReader
    from router.supergraph.model import SubgraphModel

_REPRESENTATIONS = "representations"


class WrittenFetch(msgspec.Struct, frozen=True):
    """A fetch, and parts of its text.

    `selection_set` is the text of its selections, `guards` has the client's variables in `@skip` and `@include`
    conditions, and `fragments` is the text of the named fragments.
    """

    fetch: Fetch
    selection_set: str
    guards: frozenset[str]
    fragments: str = ""


class OperationWriter:
    """Writes the fetches of one client operation."""

    def __init__(self, operation: OperationDefinitionNode, reader: DirectiveReader) -> None:
        self._directives = reader.of_operation(operation)
        self._can_need_names = reader.can_need_names
        self._name = None if operation.name is None else operation.name.value
        self._definitions = {
            definition.variable.name.value: reader.for_subgraphs(definition)
            for definition in operation.variable_definitions or ()
        }
        self._texts: dict[tuple[str, bool], str] = {}
        self._arguments: dict[int, WrittenArgument] = {}
        self._representations = _REPRESENTATIONS
        while any(name.startswith(self._representations) for name in self._definitions):
            self._representations = f"_{self._representations}"

    def fetch(self, group: FetchGroup, subgraph: SubgraphModel, root: tuple[str, OperationKind]) -> WrittenFetch:
        """Return the fetch of a group.

        `root` has the root type and the kind of the operation. An entity fetch is always a query.
        """
        type_name, kind = root
        tree, renamers = without_conflicts(subgraph, type_name, group.tree)
        body = SelectionWriter(self._written_argument, subgraph, f"f{group.number}", self._can_need_names)
        emitted = common_guards(tree)
        text, selections = body.selections(tree, emitted, type_name)
        directives = self._directives["query" if group.inputs else kind]
        body.variables |= directives.variables
        filled = {value.variable: f"${value.variable}:{value.type}" for value in group.contexts}
        asked = sorted(body.variables - filled.keys())
        definitions = [self._definition(name, required=name in body.guards) for name in asked]
        definitions += [filled[name] for name in sorted(filled)]
        if group.inputs:
            kind = "query"
            definitions.insert(0, f"${self._representations}:[_Any!]!")
        name = self._operation_name(group)
        written = f"{{_entities(representations:${self._representations}){text}}}" if group.inputs else text
        fragments = "".join(body.fragments)
        fetch = Fetch(
            id=group.number,
            service_name=group.subgraph,
            operation=_operation(f"{kind} {name}" if name else kind, definitions, directives.text, written + fragments),
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
        return WrittenFetch(fetch, text, frozenset(body.guards), fragments)

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
                BatchPart(
                    f"_e{index}", f"{self._representations}_{index}", written.selection_set, node, written.fragments
                )
                for index, (written, node) in enumerate(parts)
            ),
            definitions=tuple((name, self._definition(name, required=name in guards)) for name in used),
            operation_name=first.operation_name,
            directives=self._directives["query"].text,
        )

    def _written_argument(self, argument: ArgumentNode) -> WrittenArgument:
        known = self._arguments.get(id(argument))
        if known is None:
            variables = frozenset(variables_in(argument.value))
            known = WrittenArgument(argument_text(argument), variables, without_location(argument))
            self._arguments[id(argument)] = known
        return known

    def _definition(self, variable: str, *, required: bool) -> str:
        """Return the text of the client's variable definition.

        If `required` is True, the type becomes non-null, because `@skip` and `@include` do not accept a nullable
        variable.
        """
        known = self._texts.get((variable, required))
        if known is not None:
            return known
        definition = self._definitions[variable]
        if required and definition.default_value is None and isinstance(definition.type, NamedTypeNode):
            definition = replace(definition, type=NonNullTypeNode(type=definition.type))
        text = self._texts[variable, required] = _definition_text(definition)
        return text

    def _operation_name(self, group: FetchGroup) -> str | None:
        if self._name is None:
            return None
        subgraph = re.sub(r"\W", "_", group.subgraph, flags=re.ASCII)
        return f"{self._name}__{subgraph}__{group.number}"


def _definition_text(definition: VariableDefinitionNode) -> str:
    if definition.directives:
        return strip_ignored_characters(print_ast(definition))
    text = f"${definition.variable.name.value}:{print_ast(definition.type)}"
    return text if definition.default_value is None else f"{text}={value_text(definition.default_value)}"


def _operation(head: str, definitions: Sequence[str], directives: str, selections: str) -> str:
    if definitions:
        head = f"{head}({join_tokens(definitions)})"
    return selections if head == "query" and not directives else f"{head}{directives}{selections}"
