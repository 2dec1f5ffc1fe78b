"""`admin`: the port on which operators control the router."""

# ruff: noqa: TC001  (pydantic evaluates the annotations of its models at run time)

from __future__ import annotations

from typing import Annotated

from pydantic import Field, SecretStr

from router.settings.section import Section
from router.settings.types import Port

AdminToken = Annotated[SecretStr, Field(min_length=16)]


class Admin(Section):
    """A port on which operators reload the router, and read its health and status. Never expose this port to clients.

    The status has the hit ratios of the caches and the memory of each worker.
    """

    enabled: bool = False
    """Whether the port is open."""
    host: str = Field("127.0.0.1", min_length=1)
    """Address to listen on. With the default, only programs on the same machine can connect."""
    port: Port = 4001
    """Port to listen on, 0 for a free port."""
    token: AdminToken | None = None
    """The token that callers send as `Authorization: Bearer ...` to reload. If this key is not
    set, nobody can reload through this port. The token is never printed."""
