"""Query planning: an operation and a supergraph in, a plan out."""

from router.planner.planning import explain, plan

__all__ = ["explain", "plan"]
