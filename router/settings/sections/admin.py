"""`admin`: the port for operators."""

# ruff: noqa: TC001  (pydantic evaluates the annotations of its models at run time)

from __future__ import annotations

from typing import Annotated

from pydantic import Field, SecretStr

from router.settings.section import Section
from router.settings.types import Port

AdminToken = Annotated[SecretStr, Field(min_length=16)]


class Admin(Section):
    """A port for operators: reload, health, cache hit ratios, memory of each worker. Never expose it to clients."""

    enabled: bool = False
    """Whether the port is open."""
    host: str = Field("127.0.0.1", min_length=1)
    """Address to listen on; with the default, only this machine can connect."""
    port: Port = 4001
    """Port to listen on, 0 for a free port."""
    token: AdminToken | None = None
    """The token that callers send as `Authorization: Bearer ...` to reload. Without a token, nobody can reload.
    Never printed."""
