"""The router gives each client what a direct reading of the specification allows, and fetches nothing else.

`python -m tests.router.oracle.authorization --count 20000` runs many more cases.
"""

from __future__ import annotations

import pytest

from router.executor.graphql import completion
from router.policies.authorization.filter_operation import filter_operation
from tests.router.oracle.authorization import AuthorizationFailed, AuthorizationTrial


# With 40 cases each, these are more than 500 cases.
@pytest.mark.parametrize("seed", range(14))
def test_clients_get_what_the_specification_allows(seed: int) -> None:
    assert AuthorizationTrial(seed).run() > 0


def run_some_trials() -> None:
    """Run trials of many federations, because a fault does not show on each of them."""
    for seed in range(40):
        AuthorizationTrial(seed, operations=2, clients=3).run()


def test_the_comparison_finds_a_router_that_returns_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completion, "is_withheld", lambda _nodes: False)
    with pytest.raises(AuthorizationFailed):
        run_some_trials()


def test_the_comparison_finds_a_router_that_fetches_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "router.policies.authorization.authorization_stage.filter_operation",
        lambda operation, *rest: filter_operation(operation, *rest)._replace(planned=operation),
    )
    with pytest.raises(AuthorizationFailed):
        run_some_trials()
