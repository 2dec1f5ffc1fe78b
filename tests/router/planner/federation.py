"""Supergraphs for tests, composed from subgraph SDL."""

from __future__ import annotations

from router.composition import Subgraph, compose
from router.supergraph import Supergraph, load

LINK = """
extend schema @link(url: "https://specs.apollo.dev/federation/v2.11", import: [
  "@key", "@shareable", "@external", "@requires", "@provides", "@override", "@interfaceObject", "@inaccessible"
])
"""


def composed(**subgraphs: str) -> Supergraph:
    """The supergraph of these subgraphs, by name."""
    composition = compose([Subgraph(name, f"http://{name}", LINK + sdl) for name, sdl in subgraphs.items()])
    assert composition.supergraph_sdl is not None, composition.errors
    return load(composition.supergraph_sdl)
