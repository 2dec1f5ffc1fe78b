"""`@tag` on external fields: an error in Federation 2, and needless where the resolving subgraph has the same tag."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.facts import Facts
from router.composition.values import identity

if TYPE_CHECKING:
    from router.composition.upgrade.originals import Upgrade


def drop_repeated_tags(upgrade: Upgrade) -> None:
    facts = Facts(upgrade.schema)
    for _, member in upgrade.schema.fields():
        if not facts.is_external(member):
            continue
        elsewhere = {tag for other in upgrade.others for tag in other.tags.get(member.coordinate, ())}
        member.directives = [
            applied
            for applied in member.directives
            if applied.element != "tag" or identity(applied.arguments.get("name")) not in elsewhere
        ]
