"""A federated GraphQL router. It serves a composed supergraph at one GraphQL endpoint, and knows nothing of banks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from router.gateway import Gateway

__all__ = ["Gateway"]


def __getattr__(name: str) -> object:
    """Import `Gateway` on first use. Commands that compose or print a plan must not load a server."""
    if name == "Gateway":
        from router.gateway import Gateway  # noqa: PLC0415  (the point of it)

        return Gateway
    raise AttributeError(f"module 'router' has no attribute {name!r}")
