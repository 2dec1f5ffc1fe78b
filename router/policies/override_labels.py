"""Which labels of progressive overrides (`@override(from:, label:)`) hold for a request.

A label moves a field from one subgraph to another for some requests. Each label is decided once per request: by a stage
that writes `RequestContext.override_labels`, else by the settings, else by the label itself where it is `percent(x)`;
without any of these it does not hold. Only labels on which the plan can depend are decided; they are part of its key.
"""

from __future__ import annotations

import random
import re
from itertools import product
from typing import TYPE_CHECKING, Final

import structlog

from router.pipeline.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from router.pipeline.request_context import RequestContext
    from router.policies.policy_inputs import PolicyInputs
    from router.preparation.plan_cache import PlanKey
    from router.preparation.request_operation import Operation

_PERCENT = re.compile(r"percent\((\d+(?:\.\d+)?)\)", re.ASCII)
_ALL: Final = 100.0
_HALF: Final = 50.0

MOST_COMBINATIONS: Final = 4
"""How many plans of one operation are prepared ahead; if there were more, only the likeliest is."""

_log = structlog.stdlib.get_logger("gateway")


class OverrideLabels(Stage):
    """Decides on the labels `known`.

    `shares` are percentages of requests for which labels hold, 0 to 100; a label without one has its own. `draw`
    returns random numbers from 0 to below 1.
    """

    def __init__(self, known: Collection[str], shares: Mapping[str, float]) -> None:
        self.draw = random.random
        self._shares = {label: shares.get(label, _own_share(label)) for label in known}

    @classmethod
    def configured(cls, inputs: PolicyInputs) -> OverrideLabels | None:
        """The stage for a supergraph with labels."""
        known = frozenset(
            field.label.label
            for subgraph in inputs.supergraph.subgraphs.values()
            for kind in subgraph.types.values()
            for field in kind.fields.values()
            if field.label is not None
        )
        shares = inputs.settings.override_labels
        for label in shares.keys() - known:
            # No reason to stop: an override that is complete loses its label before the setting is removed.
            _log.warning("the supergraph has no such override label", label=label)
        return cls(known, shares) if known else None

    def plan_key(self, context: RequestContext, key: PlanKey) -> PlanKey:
        """Add the labels that hold for this request."""
        operation = context.operation
        if operation is None or not operation.override_labels:
            return key
        return key._replace(override_labels=self.decide(operation.override_labels, context.override_labels))

    def likely_plans(self, operation: Operation, key: PlanKey) -> Sequence[tuple[Operation, PlanKey]]:
        """Add each likely set of labels to the key."""
        return [(operation, key._replace(override_labels=labels)) for labels in self.likely(operation.override_labels)]

    def decide(self, met: Collection[str], decided: Mapping[str, bool]) -> frozenset[str]:
        """Those of the labels `met` that hold for one request; `decided` are those that other stages decided."""
        return frozenset(
            label for label in met if (decided[label] if label in decided else self.draw() * _ALL < self._shares[label])
        )

    def likely(self, met: Collection[str]) -> list[frozenset[str]]:
        """The sets of labels that may hold without other stages: each possible set, or the likeliest of many."""
        undecided = sorted(label for label in met if 0 < self._shares[label] < _ALL)
        if 2 ** len(undecided) > MOST_COMBINATIONS:
            return [frozenset(label for label in met if self._shares[label] >= _HALF)]
        certain = frozenset(label for label in met if self._shares[label] == _ALL)
        choices = product((False, True), repeat=len(undecided))
        return [certain.union(label for label, holds in zip(undecided, each, strict=True) if holds) for each in choices]


def _own_share(label: str) -> float:
    percent = _PERCENT.fullmatch(label)
    return float(percent[1]) if percent is not None else 0.0
