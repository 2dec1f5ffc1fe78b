"""`@key`: KEY_UNSUPPORTED_ON_INTERFACE and what its field sets must be; those of interfaces must be readable first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.model import Kind
from router.composition.rules.field_set import FieldSetRule, FieldSetUse, check_field_set
from router.composition.rules.keys_equal import key_identity
from router.federation.versions import Version

if TYPE_CHECKING:
    from router.composition.facts import Facts
    from router.composition.report import Report

_KEYS_ON_INTERFACES_SINCE = Version(2, 3)

_KEY = FieldSetRule(
    {
        "type": "KEY_INVALID_FIELDS_TYPE",
        "invalid": "KEY_INVALID_FIELDS",
        "no selection": "KEY_INVALID_FIELDS",
        "arguments": "KEY_FIELDS_HAS_ARGS",
        "directive": "KEY_DIRECTIVE_IN_FIELDS_ARG",
        "abstract": "KEY_FIELDS_SELECT_INVALID_TYPE",
    }
)

_READABLE = FieldSetRule({"type": "KEY_INVALID_FIELDS_TYPE", "invalid": "KEY_INVALID_FIELDS"})


def check_readable(facts: Facts, report: Report) -> None:
    """The keys of interfaces, and those of implementations up to the one that is the interface's."""
    schema = facts.schema
    for interface in schema.of_kind(Kind.INTERFACE):
        for key in interface.keys:
            check_field_set(_READABLE, facts, FieldSetUse(key, interface.name, interface.name), report)
            for name in schema.possible_types(interface.name):
                for own in schema.types[name].keys:
                    if key_identity(own) == key_identity(key):
                        break
                    check_field_set(_READABLE, facts, FieldSetUse(own, name, name), report)


def check(facts: Facts, report: Report) -> None:
    for definition in facts.schema.of_kind(Kind.OBJECT, Kind.INTERFACE):
        for key in definition.keys:
            if definition.kind is Kind.INTERFACE and facts.schema.version < _KEYS_ON_INTERFACES_SINCE:
                report.error(
                    "KEY_UNSUPPORTED_ON_INTERFACE",
                    f"[{facts.name}] The interface {definition.name} has a @key: keys on interfaces need federation "
                    f"{_KEYS_ON_INTERFACES_SINCE}, this subgraph links {facts.schema.version}.",
                    [(facts.name, key.node)],
                )
            check_field_set(_KEY, facts, FieldSetUse(key, definition.name, definition.name), report)
