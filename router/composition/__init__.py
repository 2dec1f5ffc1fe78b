"""Composition: combine subgraph schemas into one supergraph schema, or report why they do not fit together.

    from router.composition import Subgraph, compose

    composition = compose([Subgraph("users", "http://users.example/graphql", sdl), ...])
    composition.supergraph_sdl  # the supergraph, or None
    composition.errors          # each with code, message and locations of (subgraph, line, column)
    composition.hints           # each with code, message, locations and level

`compose` does not raise an exception, whatever the schemas are. `docs/spec/composition.md` specifies what `compose`
does. A reference such as "composition §4" in these files means section 4 of that page.

Reading order:

- `pipeline` runs all phases.
- `model` and `type_refs` have the classes for schemas and types.
- `reading`, `upgrade`, `rules`, `merge`, `supergraph_rules`, `satisfiability` and `supergraph_printer` are the phases.
- Several phases use `external_provided_and_shareable_fields`, `fields_of_field_set`, `field_set_problems`,
  `key_identity_and_resolvability` and `context_directives`.
- `report` and `error_codes` have the errors and hints.
- `supergraph_yaml`, `subgraph_loading` and `file_locations` read input from files and services.
- `rendering` prints the result, and `explain` explains its errors and hints.
- `contracts` derives variants of a supergraph.
"""

from __future__ import annotations

from router.composition.pipeline import Composition, compose
from router.composition.reading.read_subgraph import Subgraph
from router.composition.report import CompositionError, CompositionHint, Location

__all__ = ["Composition", "CompositionError", "CompositionHint", "Location", "Subgraph", "compose"]
