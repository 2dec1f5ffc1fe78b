"""Decides which labels of progressive overrides (`@override(from:, label:)`) are active for a request.

If a label is active for a request, the subgraph with the `@override` resolves the field. If not, the subgraph `from`
resolves the field. The first of these rules that applies decides whether a label is active for a request:

    1. A stage has written the label and the decision to `RequestContext.override_labels`.
    2. The setting `override_labels` has a percentage for the label: the label is active for this share of requests.
    3. The label is `percent(x)`: the label is active for x percent of requests.
    4. Any other label is not active.

Only labels that can change the plan of the operation are decided. The active labels are a part of the plan key.
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
    from router.policies.policy_setup import PolicySetup
    from router.preparation.make_and_cache_plans import PlanKey
    from router.preparation.operation_seen_by_stages import Operation

_PERCENT = re.compile(r"percent\((\d+(?:\.\d+)?)\)", re.ASCII)
_ALL: Final = 100.0
_HALF: Final = 50.0

MAX_COMBINATIONS: Final = 4
"""Before a client sends an operation, the router prepares at most this number of plans for the operation.

If the labels allow more combinations than this number, only the plan for the likeliest combination is prepared.
"""

_log = structlog.stdlib.get_logger("gateway")


class OverrideLabels(Stage):
    """Decides which labels are active. `known` are all labels of the supergraph.

    `shares` has the percentage of requests for which a label is active. The default is x for the label `percent(x)`,
    and 0 for other labels. `draw` returns a random number, at least 0 and less than 1.
    """

    def __init__(self, known: Collection[str], shares: Mapping[str, float]) -> None:
        self.draw = random.random
        self._shares = {label: shares.get(label, _own_share(label)) for label in known}

    @classmethod
    def configured(cls, inputs: PolicySetup) -> OverrideLabels | None:
        """Return the stage, or None if the supergraph has no labels."""
        known = inputs.supergraph.override_labels
        shares = inputs.settings.override_labels
        for label in shares.keys() - known:
            # Only a warning, because this is normal for a short time. At the end of a migration, an operator removes
            # the label first from the supergraph, and later from the settings.
            _log.warning("the supergraph has no such override label", label=label)
        return cls(known, shares) if known else None

    def plan_key(self, context: RequestContext, key: PlanKey) -> PlanKey:
        """Return the plan key with the override labels that are active for this request."""
        operation = context.operation
        if operation is None or not operation.override_labels:
            return key
        return key._replace(override_labels=self.decide(operation.override_labels, context.override_labels))

    def likely_plans(self, operation: Operation, key: PlanKey) -> Sequence[tuple[Operation, PlanKey]]:
        """For each likely set of active labels, return a pair: `operation`, and `key` with this set."""
        return [(operation, key._replace(override_labels=labels)) for labels in self.likely(operation.override_labels)]

    def decide(self, labels: Collection[str], decided: Mapping[str, bool]) -> frozenset[str]:
        """Return which of `labels` are active for one request. `decided` has the decisions of other stages."""
        return frozenset(
            label
            for label in labels
            if (decided[label] if label in decided else self.draw() * _ALL < self._shares[label])
        )

    def likely(self, labels: Collection[str]) -> list[frozenset[str]]:
        """Return the possible sets of active labels.

        If there are more than `MAX_COMBINATIONS`, return only the likeliest set.
        """
        undecided = sorted(label for label in labels if 0 < self._shares[label] < _ALL)
        if 2 ** len(undecided) > MAX_COMBINATIONS:
            return [frozenset(label for label in labels if self._shares[label] >= _HALF)]
        certain = frozenset(label for label in labels if self._shares[label] == _ALL)
        choices = product((False, True), repeat=len(undecided))
        return [
            certain.union(label for label, active in zip(undecided, each, strict=True) if active) for each in choices
        ]


def _own_share(label: str) -> float:
    percent = _PERCENT.fullmatch(label)
    return float(percent[1]) if percent is not None else 0.0
