"""Supergraph SDL in, model out: subgraph schemas, API schema, join metadata."""

from router.supergraph.loading import load
from router.supergraph.model import Supergraph

__all__ = ["Supergraph", "load"]
