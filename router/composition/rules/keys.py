"""Check `@key`: the field set must be valid. Before federation v2.3, an interface must not have a `@key`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.key_identity_and_resolvability import key_identity
from router.composition.model import Kind
from router.composition.rules.check_field_set import FieldSetRule, FieldSetUse, check_field_set
from router.federation.version_numbers import Version

if TYPE_CHECKING:
    from router.composition.external_provided_and_shareable_fields import SubgraphMetadata
    from router.composition.report import Report

_KEYS_ON_INTERFACES_SINCE = Version(2, 3)

_KEY = FieldSetRule(
    {
        "type": "KEY_INVALID_FIELDS_TYPE",
        "invalid": "KEY_INVALID_FIELDS",
        "alias": "KEY_INVALID_FIELDS",
        "no selection": "KEY_INVALID_FIELDS",
        "arguments": "KEY_FIELDS_HAS_ARGS",
        "directive": "KEY_DIRECTIVE_IN_FIELDS_ARG",
        "abstract": "KEY_FIELDS_SELECT_INVALID_TYPE",
    }
)

_READABLE = FieldSetRule({"type": "KEY_INVALID_FIELDS_TYPE", "invalid": "KEY_INVALID_FIELDS"})


def check_readable(subgraph: SubgraphMetadata, report: Report) -> None:
    """Report each invalid field set in the keys of interfaces and of their implementations.

    For each key of an interface, check the keys of each implementation in order, up to the first key that selects the
    same fields as the key of the interface. The keys after this key are not checked here.
    """
    schema = subgraph.schema
    for interface in schema.of_kind(Kind.INTERFACE):
        for key in interface.keys:
            check_field_set(_READABLE, subgraph, FieldSetUse(key, interface.name, interface.name), report)
            for name in schema.possible_types(interface.name):
                for own in schema.types[name].keys:
                    if key_identity(own) == key_identity(key):
                        break
                    check_field_set(_READABLE, subgraph, FieldSetUse(own, name, name), report)


def check(subgraph: SubgraphMetadata, report: Report) -> None:
    """Report each key with an invalid field set, and each key on an interface before federation v2.3.

    See composition §4.2.
    """
    for definition in subgraph.schema.of_kind(Kind.OBJECT, Kind.INTERFACE):
        for key in definition.keys:
            if definition.kind is Kind.INTERFACE and subgraph.schema.version < _KEYS_ON_INTERFACES_SINCE:
                report.error(
                    "KEY_UNSUPPORTED_ON_INTERFACE",
                    f"[{subgraph.name}] The interface {definition.name} has a @key: keys on interfaces need federation "
                    f"{_KEYS_ON_INTERFACES_SINCE}, but this subgraph links {subgraph.schema.version}.",
                    [(subgraph.name, key.node)],
                )
            check_field_set(_KEY, subgraph, FieldSetUse(key, definition.name, definition.name), report)
