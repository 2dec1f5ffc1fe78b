"""The rules of a running service. If the rules file changes, the service uses the new rules without a restart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from subgraphs.transaction.fraud.rules_file import DEFAULT_RULES, load_rules
from subgraphs.transaction.live_file import LiveFile

if TYPE_CHECKING:
    from pathlib import Path

    from subgraphs.transaction.fraud.rules.rule_set import RuleSet


class CurrentRules(Protocol):
    """The rules that are valid now."""

    @property
    def current(self) -> RuleSet: ...


def live_rules(path: Path | None = None) -> LiveFile[RuleSet]:
    """Read the rules file. Without a path, use the bundled rules in shadow mode.

    The bundled rules were not written for the customers of this bank. In shadow mode, their hits are recorded, but
    every order is allowed. An operator who wants the bundled rules to act copies them to a file.

    Raises:
        InvalidFile: the file cannot be used.
    """

    def load(found: Path) -> RuleSet:
        rules = load_rules(found)
        return rules if path is not None else rules.in_shadow_mode()

    return LiveFile(path or DEFAULT_RULES, load, lambda rules: rules.full_version, "fraud rules")
