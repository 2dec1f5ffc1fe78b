"""Query planning: an operation and a supergraph in, a plan out."""

from router.planner.planning import plan

__all__ = ["plan"]
