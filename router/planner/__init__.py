"""Query planning: an operation and a supergraph in, a plan out."""

from router.planner.bounds import Bounds
from router.planner.planning import explain, plan

__all__ = ["Bounds", "explain", "plan"]
