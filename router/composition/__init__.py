"""Composition: subgraph schemas in, one supergraph schema or errors out.

    from router.composition import Subgraph, compose

    composition = compose([Subgraph("users", "http://users.example/graphql", sdl), ...])
    composition.supergraph_sdl  # the supergraph, or None
    composition.errors          # each with code, message and locations of (subgraph, line, column)
    composition.hints           # the same, and a level

`compose` never raises, whatever the texts are.
"""

from __future__ import annotations

from router.composition.pipeline import Composition, compose
from router.composition.reading.subgraph import Subgraph
from router.composition.report import CompositionError, CompositionHint, Location

__all__ = ["Composition", "CompositionError", "CompositionHint", "Location", "Subgraph", "compose"]
