"""Drop a `@tag` on an external field if another subgraph has the same tag on the field.

Federation 2 forbids `@tag` on external fields. If another subgraph has the same tag, the supergraph gets the tag from
that subgraph. All other tags of external fields stay, and the merge reports them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.const_value_nodes import identity
from router.composition.external_provided_and_shareable_fields import SubgraphMetadata

if TYPE_CHECKING:
    from router.composition.upgrade.upgrade_step_input import Upgrade


def drop_repeated_tags(upgrade: Upgrade) -> None:
    """Drop a `@tag` on an external field if another subgraph has the same tag on the field without `@external`."""
    subgraph = SubgraphMetadata(upgrade.schema)
    for _, member in upgrade.schema.fields():
        if not subgraph.is_external(member):
            continue
        elsewhere = {tag for other in upgrade.others for tag in other.tags.get(member.coordinate, ())}
        member.directives = [
            applied
            for applied in member.directives
            if applied.element != "tag" or identity(applied.arguments.get("name")) not in elsewhere
        ]
