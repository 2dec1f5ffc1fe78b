"""Upgrade Federation 1 subgraphs to Federation 2.4, by small steps in a fixed order (composition §3).

The input is the schemas of all subgraphs. The Federation 1 schemas are changed in place.

The upgrade of one subgraph depends on the other subgraphs, but must not depend on the order in which the subgraphs are
upgraded. So each subgraph is recorded in `Originals` before the first step, and the steps read these records.

Reading order: `STEPS` in this file, `upgrade_step_input`, then the other files in any order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.model import Kind
from router.composition.reading.spec_directive_names import UPGRADED_TO
from router.composition.upgrade.add_shareable import add_shareable, require_whole_definition
from router.composition.upgrade.drop_externals import (
    drop_external_on_interface_fields,
    drop_external_on_types,
    drop_unused_externals,
)
from router.composition.upgrade.drop_ignored_directives import drop_interface_directives, drop_provides_on_leaf_fields
from router.composition.upgrade.drop_repeated_tags import drop_repeated_tags
from router.composition.upgrade.rewrite_field_sets import coerce_fields, drop_ineffective_leaves
from router.composition.upgrade.upgrade_step_input import Originals, Upgrade
from router.composition.upgrade.upgrade_type_extensions import (
    drop_external_keys,
    require_base,
    turn_extensions_into_definitions,
)
from router.federation.linked_specs import FEDERATION_IDENTITY, Link, Links, SpecUrl
from router.federation.spec_versions import spec_version

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from router.composition.model import SubgraphSchema
    from router.composition.report import Report

STEPS: tuple[Callable[[Upgrade], None], ...] = (
    coerce_fields,
    drop_external_on_interface_fields,
    drop_external_on_types,
    drop_external_keys,
    drop_ineffective_leaves,
    turn_extensions_into_definitions,
    drop_interface_directives,
    drop_provides_on_leaf_fields,
    drop_unused_externals,
    add_shareable,
    drop_repeated_tags,
)


def upgrade(schemas: Sequence[SubgraphSchema], report: Report) -> list[SubgraphSchema]:
    """Upgrade every Federation 1 schema in place, and return the schemas that have no errors (composition §3)."""
    old = [schema for schema in schemas if not schema.is_federation_2]
    if not old:
        return []
    for schema in old:
        coerce_fields(Upgrade(schema, Originals([]), report))
    originals = Originals.of(schemas)
    _refuse_interface_objects(schemas, report)
    for schema in old:
        _refuse_links_of_federation_directives(schema, report)
    if report.failed():
        return []
    return [schema for schema in old if _upgraded(Upgrade(schema, originals, report))]


def _upgraded(upgrade: Upgrade) -> bool:
    """Run all steps on one subgraph. Return False if a step reported an error."""
    before = len(upgrade.report.errors)
    require_base(upgrade)
    require_whole_definition(upgrade)
    for step in STEPS:
        step(upgrade)
    upgrade.schema.version = UPGRADED_TO
    upgrade.schema.links = _linked(upgrade.schema.links)
    return len(upgrade.report.errors) == before


def _refuse_interface_objects(schemas: Sequence[SubgraphSchema], report: Report) -> None:
    """Report an `@interfaceObject` type if a Federation 1 subgraph has the interface with a key.

    An `@interfaceObject` type needs a key on the interface. Federation 1 has no keys on interfaces, so the upgrade
    drops the key.
    """
    for schema in schemas:
        for definition in schema.of_kind(Kind.OBJECT):
            if not definition.is_interface_object:
                continue
            for other in schemas:
                own = other.types.get(definition.name)
                if not other.is_federation_2 and own is not None and own.kind is Kind.INTERFACE and own.keys:
                    report.error(
                        "INTERFACE_OBJECT_USAGE_ERROR",
                        f"[{schema.name}] {definition.name} is an interface object here, but the interface in "
                        f'"{other.name}" is written for Federation 1, which has no keys on interfaces: '
                        f'upgrade "{other.name}" to Federation 2 first.',
                        [(schema.name, definition.node), (other.name, own.node)],
                    )


def _refuse_links_of_federation_directives(schema: SubgraphSchema, report: Report) -> None:
    """Report an `@link` to the tag or inaccessible specification, unless the `@link` renames the directive.

    The upgrade imports `@tag` and `@inaccessible` from the federation specification, so these names must be free.
    """
    for link in schema.links:
        name = link.url.name
        if link.url.is_apollo and name in ("tag", "inaccessible") and link.directive_name(name) == name:
            message = f'Import "@{name}" from the federation specification instead of {link.url}.'
            report.error("INVALID_LINK_DIRECTIVE_USAGE", f"[{schema.name}] {message}", [(schema.name, link.node)])


def _linked(links: Links) -> Links:
    spec = spec_version("federation", UPGRADED_TO)
    if spec is None:
        raise LookupError(f"federation {UPGRADED_TO} is not known")
    imports = {f"@{name}": f"@{name}" for name in spec.directives}
    federation = Link(SpecUrl(FEDERATION_IDENTITY, "federation", UPGRADED_TO), "federation", imports)
    return Links({**links.by_identity, FEDERATION_IDENTITY: federation})
