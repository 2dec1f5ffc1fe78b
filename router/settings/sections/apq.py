"""`apq`: automatic persisted queries, and a Redis in which several routers share the registered documents."""

from __future__ import annotations

from typing import Annotated

from router.settings.section import Section
from router.settings.types import Count, Duration, NoneWithoutUrl, RedisUrl


class Redis(Section):
    """A Redis in which several routers store the documents that clients register."""

    url: RedisUrl
    """URL of the Redis, with the scheme redis://, rediss:// or unix://. It contains the credentials if the Redis
    requires them, and is never printed."""
    timeout: Duration = 0.1
    """Time limit of a lookup in this Redis. After a failed lookup, the router does not use this Redis for one
    second."""
    ttl: Duration = 86_400.0
    """How long Redis stores a document after its last registration."""
    prefix: str = "mosafe:apq:"
    """The prefix of the keys in Redis."""


class Apq(Section):
    """Automatic persisted queries: a client sends the document only if the router does not know its hash."""

    enabled: bool = False
    """Whether clients may register documents."""
    entries: Count = 512
    """Maximum number of registered documents in memory."""
    text_bytes: Count = 10_000_000
    """Maximum memory of the registered documents and their hashes."""
    redis: Annotated[Redis | None, NoneWithoutUrl] = None
    """A Redis in which all routers of a deployment share registered documents. With null, each router stores documents
    only in its own memory."""
