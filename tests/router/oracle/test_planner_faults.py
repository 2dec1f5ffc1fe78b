"""The oracle finds faults: a planner that ignores one directive fails within a few federations."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from router.planner.graph.query_graph import FieldEdge, QueryGraph
from tests.router.oracle.trial import failure_of_seed

if TYPE_CHECKING:
    from collections.abc import Callable

    from router.planner.graph.provides_scopes import Scope
    from router.supergraph.model import SubgraphField, SubgraphType

# The sample of `test_oracle.py`, which must find the fault.
MAX_FEDERATIONS = 60


def _ignore_external(field: SubgraphField) -> SubgraphField:
    return replace(field, external=False)


def _ignore_override_labels(field: SubgraphField) -> SubgraphField:
    return replace(field, label=None)


def _ignore_requires(field: SubgraphField) -> SubgraphField:
    return replace(field, requires=None)


def _ignore_from_context(field: SubgraphField) -> SubgraphField:
    return replace(field, context_arguments=())


@pytest.mark.parametrize("ignore", [_ignore_external, _ignore_override_labels, _ignore_requires, _ignore_from_context])
def test_a_planner_that_ignores_a_directive_is_found(
    ignore: Callable[[SubgraphField], SubgraphField], monkeypatch: pytest.MonkeyPatch
) -> None:
    original = QueryGraph._own_field  # noqa: SLF001 - the method to replace

    def faulty(self: QueryGraph, definition: SubgraphType, name: str, scope: Scope) -> FieldEdge | None:
        fields = {field_name: ignore(field) for field_name, field in definition.fields.items()}
        return original(self, replace(definition, fields=fields), name, scope)

    monkeypatch.setattr(QueryGraph, "_own_field", faulty)
    failing_seed = next(
        seed for seed in count() if seed >= MAX_FEDERATIONS or failure_of_seed(seed, attempts=0) is not None
    )
    assert failing_seed < MAX_FEDERATIONS
