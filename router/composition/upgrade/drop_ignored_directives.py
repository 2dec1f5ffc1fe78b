"""Drop directives that Federation 1 ignores.

Federation 1 ignores `@key` on interfaces, `@provides` and `@requires` on the fields of interfaces, and `@provides` on
fields whose type is a scalar or an enum.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.model import COMPOSITE, Kind

if TYPE_CHECKING:
    from router.composition.upgrade.upgrade_step_input import Upgrade


def drop_interface_directives(upgrade: Upgrade) -> None:
    """Drop `@key` on interfaces, and `@provides` and `@requires` on the fields of interfaces."""
    for definition in upgrade.schema.of_kind(Kind.INTERFACE):
        definition.directives = [applied for applied in definition.directives if applied.element != "key"]
        for member in definition.fields.values():
            member.directives = [a for a in member.directives if a.element not in ("provides", "requires")]


def drop_provides_on_leaf_fields(upgrade: Upgrade) -> None:
    """Drop `@provides` on fields whose type is a scalar or an enum, because such a type has no fields."""
    for _, member in upgrade.schema.fields():
        if upgrade.schema.kind_of(member.type) not in COMPOSITE:
            member.directives = [applied for applied in member.directives if applied.element != "provides"]
