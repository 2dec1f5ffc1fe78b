"""CONTEXT_NO_RESOLVABLE_KEY: what takes a value from a context is fetched again with it, by a key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.rules.contextual_arguments import contextual_arguments, tell
from router.composition.rules.keys_equal import resolvable

if TYPE_CHECKING:
    from router.composition.facts import Facts
    from router.composition.report import Report


def check(facts: Facts, report: Report) -> None:
    for each in contextual_arguments(facts):
        if not any(resolvable(key) for key in each.definition.keys):
            problem = f"{each.definition.name} has no resolvable @key to fetch it again with the value"
            tell(facts, report, "CONTEXT_NO_RESOLVABLE_KEY", each, problem)
