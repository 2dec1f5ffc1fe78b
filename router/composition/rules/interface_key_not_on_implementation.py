"""INTERFACE_KEY_NOT_ON_IMPLEMENTATION: an interface has a key that one of its implementations does not have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.key_identity_and_resolvability import key_identity, resolvable
from router.composition.model import Kind

if TYPE_CHECKING:
    from router.composition.external_provided_and_shareable_fields import SubgraphMetadata
    from router.composition.report import Report


def check(subgraph: SubgraphMetadata, report: Report) -> None:
    """Report each key of an interface that an implementation in the same subgraph lacks (composition §4.2).

    If the interface's key is resolvable, the key of the implementation must be resolvable too.
    """
    schema = subgraph.schema
    for interface in schema.of_kind(Kind.INTERFACE):
        for key in interface.keys:
            fields = key_identity(key)
            if fields is None:
                continue
            lacking = []
            for name in schema.possible_types(interface.name):
                matching = [own for own in schema.types[name].keys if key_identity(own) == fields]
                if not matching or (resolvable(key) and not any(resolvable(own) for own in matching)):
                    lacking.append(name)
            if lacking:
                report.error(
                    "INTERFACE_KEY_NOT_ON_IMPLEMENTATION",
                    f'[{subgraph.name}] The interface {interface.name} has the key "{key.text("fields")}", but its '
                    f"implementations {', '.join(lacking)} do not have it.",
                    [(subgraph.name, key.node), *((subgraph.name, schema.types[name].node) for name in lacking)],
                )
