"""The oracle can fail: a planner that forgets one rule of federation is caught, within a few federations."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

import pytest

from router.planner.graph.query_graph import FieldEdge, QueryGraph
from tests.router.oracle.trial import failure_of_seed

if TYPE_CHECKING:
    from collections.abc import Callable

    from router.planner.graph.provided import Scope
    from router.supergraph.model import SubgraphField, SubgraphType

# As many as a sample of the normal run has: what those would miss is not caught.
MOST = 60


def _externals_are_resolved(field: SubgraphField) -> SubgraphField:
    return replace(field, external=False)


def _labels_do_not_matter(field: SubgraphField) -> SubgraphField:
    return replace(field, label=None)


def _nothing_is_required(field: SubgraphField) -> SubgraphField:
    return replace(field, requires=None)


def _nothing_comes_from_around(field: SubgraphField) -> SubgraphField:
    return replace(field, context_arguments=())


@pytest.mark.parametrize(
    "forget", [_externals_are_resolved, _labels_do_not_matter, _nothing_is_required, _nothing_comes_from_around]
)
def test_a_planner_that_forgets_a_rule_is_caught(
    forget: Callable[[SubgraphField], SubgraphField], monkeypatch: pytest.MonkeyPatch
) -> None:
    right = QueryGraph._own_field  # noqa: SLF001 - where a rule can be forgotten

    def wrong(self: QueryGraph, definition: SubgraphType, name: str, scope: Scope) -> FieldEdge | None:
        fields = {own: forget(field) for own, field in definition.fields.items()}
        return right(self, replace(definition, fields=fields), name, scope)

    monkeypatch.setattr(QueryGraph, "_own_field", wrong)
    caught = next(seed for seed in count() if seed >= MOST or failure_of_seed(seed, attempts=0) is not None)
    assert caught < MOST
