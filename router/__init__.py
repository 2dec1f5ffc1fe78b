"""A federated GraphQL router. It serves a composed supergraph at one GraphQL endpoint.

The package can serve any supergraph: it contains no code of the bank.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from router.gateway import Gateway

__all__ = ["Gateway"]


def __getattr__(name: str) -> object:
    """Import `Gateway` when it is first used, so that commands such as `router plan` do not import a server."""
    if name == "Gateway":
        from router.gateway import Gateway  # noqa: PLC0415  (the point of it)

        return Gateway
    raise AttributeError(f"module 'router' has no attribute {name!r}")
