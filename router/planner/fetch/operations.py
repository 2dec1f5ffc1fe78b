"""A fetch group as the text of an operation."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from graphql import (
    ArgumentNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    InlineFragmentNode,
    NamedTypeNode,
    NameNode,
    NonNullTypeNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    parse,
    print_ast,
    strip_ignored_characters,
    visit,
)

from router.plan import Fetch, InputField, InputFragment
from router.planner.fetch.aliases import without_conflicts
from router.planner.fetch.trees import common_guards
from router.planner.normalise.selections import TYPENAME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graphql import SelectionNode

    from router.plan import InputSelection, OperationKind, Rewrite
    from router.planner.fetch.groups import FetchGroup, Input
    from router.planner.fetch.trees import Tree, TreeField
    from router.planner.normalise.guards import Guards
    from router.supergraph.model import SubgraphModel

_TYPENAME_FIELD = FieldNode(name=NameNode(value=TYPENAME))
_DIRECTIVES = {True: "include", False: "skip"}
_ENTITY_SHELL = parse(
    "query ($representations: [_Any!]!) { _entities(representations: $representations) { __typename } }",
    no_location=True,
).definitions[0]


class OperationWriter:
    """Writes the fetches of one client operation."""

    def __init__(self, operation: OperationDefinitionNode) -> None:
        self._operation = operation
        self._definitions = {
            definition.variable.name.value: replace(definition, directives=())
            for definition in operation.variable_definitions or ()
        }

    def fetch(self, group: FetchGroup, subgraph: SubgraphModel, root: tuple[str, OperationKind]) -> Fetch:
        """The fetch of a group, numbered by the group; `root` is the root type and kind of fetches without inputs."""
        type_name, kind = root
        tree, renamers = without_conflicts(subgraph, type_name, group.tree)
        outer = common_guards(tree)
        selection_set = SelectionSetNode(selections=tuple(_selections(tree, outer)))
        variables = _variables(selection_set)
        name = self._name(group)
        guards = {variable for guards in tree.guards() for variable, _ in guards - outer}
        definitions = tuple(self._definition(variable, required=variable in guards) for variable in variables)
        if group.inputs:
            kind = "query"
            operation = _entity_operation(selection_set, definitions, name)
        else:
            operation = OperationDefinitionNode(
                operation=OperationType(kind),
                name=None if name is None else NameNode(value=name),
                variable_definitions=definitions,
                selection_set=selection_set,
            )
        text = strip_ignored_characters(print_ast(DocumentNode(definitions=(operation,))))
        return Fetch(
            id=group.number,
            service_name=group.subgraph,
            operation=text,
            operation_kind=kind,
            operation_name=name,
            variable_usages=variables,
            requires=_requires(group.inputs),
            depends_on=tuple(sorted(group.after)),
            input_rewrites=_rewrites(group.inputs),
            output_rewrites=renamers,
            context_rewrites=group.contexts,
        )

    def _definition(self, variable: str, *, required: bool) -> VariableDefinitionNode:
        """The client's definition; a nullable variable in a directive is an error that subgraphs refuse to overlook."""
        definition = self._definitions[variable]
        if required and definition.default_value is None and isinstance(definition.type, NamedTypeNode):
            return replace(definition, type=NonNullTypeNode(type=definition.type))
        return definition

    def _name(self, group: FetchGroup) -> str | None:
        if self._operation.name is None:
            return None
        subgraph = re.sub(r"\W", "_", group.subgraph, flags=re.ASCII)
        return f"{self._operation.name.value}__{subgraph}__{group.number}"


def _entity_operation(
    selection_set: SelectionSetNode, definitions: Sequence[VariableDefinitionNode], name: str | None
) -> OperationDefinitionNode:
    assert isinstance(_ENTITY_SHELL, OperationDefinitionNode)  # noqa: S101 - the text above
    entities = _ENTITY_SHELL.selection_set.selections[0]
    assert isinstance(entities, FieldNode)  # noqa: S101 - the text above
    return replace(
        _ENTITY_SHELL,
        name=None if name is None else NameNode(value=name),
        variable_definitions=(*(_ENTITY_SHELL.variable_definitions or ()), *definitions),
        selection_set=SelectionSetNode(selections=(replace(entities, selection_set=selection_set),)),
    )


def _selections(tree: Tree, emitted: Guards) -> list[SelectionNode]:
    selections: list[SelectionNode] = []
    if tree.is_abstract and not any(entry.key == TYPENAME and entry.guards <= emitted for entry in tree.fields):
        selections.append(_TYPENAME_FIELD)
    selections += [_field(entry, emitted) for entry in tree.fields]
    for type_name, below in tree.fragments:
        guards = emitted | common_guards(below)
        fragment = InlineFragmentNode(
            type_condition=NamedTypeNode(name=NameNode(value=type_name)),
            selection_set=SelectionSetNode(selections=tuple(_selections(below, guards))),
        )
        selections.append(_guarded(fragment, guards - emitted))
    return selections or [_TYPENAME_FIELD]


def _field(entry: TreeField, emitted: Guards) -> SelectionNode:
    below = None
    if entry.tree is not None:
        below = SelectionSetNode(selections=tuple(_selections(entry.tree, emitted | entry.guards)))
    node = FieldNode(
        alias=None if entry.key == entry.name else NameNode(value=entry.key),
        name=NameNode(value=entry.name),
        arguments=entry.arguments,
        selection_set=below,
    )
    return _guarded(node, entry.guards - emitted)


def _guarded(node: FieldNode | InlineFragmentNode, guards: Guards) -> SelectionNode:
    """The node under its guards: at most one `@include` and one `@skip` each, further ones around it."""
    guarded: FieldNode | InlineFragmentNode = node
    pending = sorted(guards)
    while pending:
        here = {truth: (name, truth) for name, truth in reversed(pending)}
        if guarded.directives:
            guarded = InlineFragmentNode(selection_set=SelectionSetNode(selections=(guarded,)))
        directives = tuple(_directive(guard) for guard in sorted(here.values()))
        guarded = replace(guarded, directives=directives)
        pending = [guard for guard in pending if guard not in here.values()]
    return guarded


def _directive(guard: tuple[str, bool]) -> DirectiveNode:
    variable, truth = guard
    argument = ArgumentNode(name=NameNode(value="if"), value=VariableNode(name=NameNode(value=variable)))
    return DirectiveNode(name=NameNode(value=_DIRECTIVES[truth]), arguments=(argument,))


class _VariableCollector(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_variable(self, node: VariableNode, *_: object) -> None:
        self.names.add(node.name.value)


def _variables(selection_set: SelectionSetNode) -> tuple[str, ...]:
    collector = _VariableCollector()
    visit(selection_set, collector)
    return tuple(sorted(collector.names))


def _requires(inputs: Sequence[Input]) -> tuple[InputFragment, ...]:
    merged: dict[str, tuple[InputSelection, ...]] = {}
    for entry in inputs:
        known = merged.get(entry.type_name, (InputField(TYPENAME),))
        merged[entry.type_name] = _merge_selections(known, entry.selections)
    return tuple(InputFragment(type_name, selections) for type_name, selections in merged.items())


def _merge_selections(
    first: tuple[InputSelection, ...], second: tuple[InputSelection, ...]
) -> tuple[InputSelection, ...]:
    merged: dict[tuple[bool, str], InputSelection] = {}
    for selection in (*first, *second):
        is_field = isinstance(selection, InputField)
        key = (is_field, selection.name if isinstance(selection, InputField) else selection.type_condition)
        known = merged.get(key)
        if known is None:
            merged[key] = selection
        else:
            merged[key] = replace(known, selections=_merge_selections(known.selections, selection.selections))
    return tuple(merged.values())


def _rewrites(inputs: Sequence[Input]) -> tuple[Rewrite, ...]:
    return tuple(dict.fromkeys(rewrite for entry in inputs for rewrite in entry.rewrites))
