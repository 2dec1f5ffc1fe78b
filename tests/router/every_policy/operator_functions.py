"""The Python functions that `router.yaml` of this folder names."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from router.policies.authorization.policy_decisions import PolicyQuestion


def decide(question: PolicyQuestion) -> list[str]:
    """Return the policies that hold: each of them for each client with a credential."""
    return list(question.policies) if question.claims is not None else []
