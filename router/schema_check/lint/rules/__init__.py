"""The lint rules of the router. The file of a rule has the name of the rule's code. `pages` has the page of each rule.

Each file has `check`, the function that finds the problems of a schema, and `LEVEL`, the level of these problems. The
settings can choose another level.
"""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, Final

from router.schema_check.lint.rule import Rule
from router.schema_check.lint.rules import (
    argument_names,
    connection_arguments,
    connections,
    deprecation_date,
    deprecation_overdue,
    deprecation_reason,
    descriptions,
    directive_names,
    entity_without_key,
    enum_value_names,
    field_names,
    ids,
    input_field_names,
    input_suffix,
    key_never_used,
    mutation_inputs,
    mutation_payloads,
    nullable_lists,
    override_finished,
    root_field_verbs,
    root_type_in_field,
    shareable_drift,
    type_name_affixes,
    type_names,
)

if TYPE_CHECKING:
    from types import ModuleType

_MODULES: Final[tuple[ModuleType, ...]] = (
    # Names
    type_names,
    field_names,
    argument_names,
    input_field_names,
    enum_value_names,
    directive_names,
    type_name_affixes,
    root_field_verbs,
    input_suffix,
    # Descriptions and deprecation
    descriptions,
    deprecation_reason,
    deprecation_date,
    deprecation_overdue,
    # Types
    ids,
    nullable_lists,
    root_type_in_field,
    # Pagination
    connections,
    connection_arguments,
    # Mutations
    mutation_payloads,
    mutation_inputs,
    # Apollo Federation
    shareable_drift,
    key_never_used,
    entity_without_key,
    override_finished,
)


def _rule(module: ModuleType) -> Rule:
    code = module.__name__.rpartition(".")[2].upper()
    page = resources.files("router.schema_check.lint") / "pages" / f"{code}.md"
    return Rule(code, module.LEVEL, module.check, page.read_text(encoding="utf-8"))


BUILT_IN_RULES: Final[tuple[Rule, ...]] = tuple(_rule(module) for module in _MODULES)
"""The rules, in the order in which they run."""
