"""`@defer` does not change the response of an operation, because the router sends deferred parts in the same response.

Every case of the suites runs with most selections of each object deferred, and with deferred parts within parts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
from graphql import (
    ArgumentNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    InlineFragmentNode,
    NameNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    StringValueNode,
    parse,
    print_ast,
    validate,
)

from router.plan import Condition, Defer
from router.planner import plan
from tests.router.oracle.cases import Case, cases
from tests.router.planner.plan_checker import problems

if TYPE_CHECKING:
    from graphql import SelectionNode

    from router.plan import PlanNode
    from tests.router.oracle.operation_generator import Operation


def is_comparable_query(case: Case) -> bool:
    """Return whether the case is a query whose response does not depend on deferring.

    Deferred fields of a mutation are read after later mutations and may differ. Cases of `@defer` itself are left out,
    and so are cases with unavailable values: deferred fields are fetched separately, so they stay available. If the
    value of a contextual argument is unavailable, all fields of its fetch are, and deferring changes which these are.
    """
    file, query = case.folder / "response.json", case.operation.query
    is_plain_query = not query.lstrip().startswith("mutation") and "@defer" not in query
    response = json.loads(file.read_text()) if file.exists() else {"refused": ""}
    has_contexts = any("@fromContext" in sdl for sdl in case.subgraphs.values())
    loses_values = "errors" in response and (has_contexts or "unlike_one_server" in response)
    return is_plain_query and "refused" not in response and not loses_values


CASES = [case for area in ("federation", "execution") for case in cases(area) if is_comparable_query(case)]


@dataclass(frozen=True, slots=True)
class Deferring(Case):
    """The case with all selections of each object deferred except the first; a single selection is deferred too."""

    @property
    def operation(self) -> Operation:
        plain = Case(self.folder).operation
        return replace(plain, query=deferring(plain.query))


def deferring(query: str) -> str:
    labels = iter(range(1_000_000))

    def below(selection_set: SelectionSetNode, *, may_defer: bool = True) -> SelectionSetNode:
        selections = [inside(selection) for selection in selection_set.selections]
        kept = selections[:1] if len(selections) > 1 else []
        if not may_defer:
            return SelectionSetNode(selections=tuple(selections))
        label = ArgumentNode(name=NameNode(value="label"), value=StringValueNode(value=f"part {next(labels)}"))
        defer = DirectiveNode(name=NameNode(value="defer"), arguments=(label,))
        later = InlineFragmentNode(
            directives=(defer,), selection_set=SelectionSetNode(selections=tuple(selections[len(kept) :]))
        )
        return SelectionSetNode(selections=(*kept, later))

    def inside(selection: SelectionNode) -> SelectionNode:
        if not isinstance(selection, FieldNode | InlineFragmentNode) or selection.selection_set is None:
            return selection
        return replace(selection, selection_set=below(selection.selection_set))

    definitions = [
        replace(
            definition,
            selection_set=below(
                definition.selection_set, may_defer=getattr(definition, "operation", None) is OperationType.QUERY
            ),
        )
        for definition in parse(query, no_location=True).definitions
        if isinstance(definition, (OperationDefinitionNode, FragmentDefinitionNode))
    ]
    return print_ast(DocumentNode(definitions=tuple(definitions)))


def defers(node: PlanNode | None) -> bool:
    """Return whether a plan has a `Defer` node for some values of the variables."""
    if isinstance(node, Condition):
        return defers(node.if_clause) or defers(node.else_clause)
    return isinstance(node, Defer)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_the_response_is_the_same_as_without_defer(case: Case) -> None:
    deferred = Deferring(case.folder)
    supergraph = deferred.supergraph()
    document = parse(deferred.operation.query)
    assert validate(supergraph.api_schema, document) == []
    planned = plan(supergraph, document)
    if planned.node is not None:
        assert defers(planned.node)
        assert [
            problem for problem in problems(supergraph, deferred.operation.query, planned) if "nobody" not in problem
        ] == []
    assert await deferred.response() == case.expected
