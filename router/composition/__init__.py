"""Composition: combine subgraph schemas into one supergraph schema, or report why they do not fit together.

    from router.composition import Subgraph, compose

    composition = compose([Subgraph("users", "http://users.example/graphql", sdl), ...])
    composition.supergraph_sdl  # the supergraph, or None
    composition.errors          # each with code, message and locations of (subgraph, line, column)
    composition.hints           # the same, and a level

`compose` does not raise, whatever the schemas are. `docs/spec/composition.md` says what is implemented.

Reading order: `pipeline` (all phases); `model` and `type_refs` (the schema records); the phases `reading`, `upgrade`,
`rules`, `merge`, `supergraph_rules`, `satisfiability`, `supergraph_printer`; `subgraph_metadata`, `field_sets`,
`context_directives` (used by several phases); `report` and `error_codes`. Input from files and services:
`supergraph_yaml`, `subgraph_loading`, `file_locations`. Output for people and programs: `rendering`, `explain`.
Variants of a supergraph: `contracts`.
"""

from __future__ import annotations

from router.composition.pipeline import Composition, compose
from router.composition.reading.read_subgraph import Subgraph
from router.composition.report import CompositionError, CompositionHint, Location

__all__ = ["Composition", "CompositionError", "CompositionHint", "Location", "Subgraph", "compose"]
