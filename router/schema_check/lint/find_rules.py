"""Finds the lint rules of the router, and the lint rules of other packages, which entry points name."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Final

from router.schema_check.lint.rule import Rule
from router.schema_check.lint.rules import BUILT_IN_RULES

ENTRY_POINTS: Final = "router_lint_rules"
"""The group of the entry points that name lint rules."""


class InvalidRule(ValueError):
    """An entry point does not name a usable rule. The message has the name of the entry point, and the reason."""


def all_rules() -> dict[str, Rule]:
    """Return all rules by their codes. The rules of the router come first.

    Raises:
        InvalidRule: An entry point cannot be imported, is not a `Rule`, or has the code of another rule.
    """
    rules = {rule.code: rule for rule in BUILT_IN_RULES}
    for entry in sorted(entry_points(group=ENTRY_POINTS), key=lambda each: each.name):
        try:
            rule = entry.load()
        except Exception as error:  # the code of another package can raise any exception
            raise InvalidRule(f"the lint rule {entry.name} ({entry.value}) cannot be imported: {error}") from error
        if not isinstance(rule, Rule):
            raise InvalidRule(f"the lint rule {entry.name} ({entry.value}) is not a router.schema_check.lint.rule.Rule")
        if rule.code in rules:
            raise InvalidRule(f"the lint rule {entry.name} ({entry.value}) has the code {rule.code} of another rule")
        rules[rule.code] = rule
    return rules
