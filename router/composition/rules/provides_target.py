"""`@provides` needs something to provide on.

EXTERNAL_COLLISION_WITH_ANOTHER_DIRECTIVE, PROVIDES_ON_NON_OBJECT_FIELD.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.model import COMPOSITE

if TYPE_CHECKING:
    from router.composition.facts import Facts
    from router.composition.report import Report


def check(facts: Facts, report: Report) -> None:
    for _, member in facts.schema.fields():
        for applied in member.applied("provides"):
            place = [(facts.name, applied.node)]
            if facts.is_external(member):
                report.error(
                    "EXTERNAL_COLLISION_WITH_ANOTHER_DIRECTIVE",
                    f"[{facts.name}] {member.coordinate} is external here, so it cannot also provide fields.",
                    place,
                )
                return
            if facts.schema.kind_of(member.type) not in COMPOSITE:
                report.error(
                    "PROVIDES_ON_NON_OBJECT_FIELD",
                    f"[{facts.name}] {member.coordinate} has the type {member.type}, which has no fields to provide.",
                    place,
                )
                return
