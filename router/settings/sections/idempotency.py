"""`idempotency`: keys with which a client can repeat a mutation without a second effect."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from router.settings.section import Section
from router.settings.types import Count, Duration, HeaderName, NoneWithoutUrl, RedisUrl


class IdempotencyRedis(Section):
    """A Redis in which all workers and routers store keys and responses."""

    url: RedisUrl
    """URL of the Redis: redis://, rediss:// or unix://, with credentials if the Redis requires them; never printed."""
    timeout: Duration = 1.0
    """Time limit of a lookup. Without a result, the mutation is refused with 503."""
    prefix: str = "mosafe:idempotency:"
    """The prefix of the keys in Redis."""


class Idempotency(Section):
    """Keys with which a client can repeat a mutation without a second effect. The first response is sent again."""

    enabled: bool = False
    """Whether the router stores the responses of mutations that have an idempotency key."""
    header: HeaderName = "idempotency-key"
    """The header with the key: 1 to 255 visible ASCII characters. Each client has its own keys."""
    argument: Annotated[str, Field(pattern=r"^[_A-Za-z][_0-9A-Za-z]*$")] | None = None
    """The name of the argument or input field in which mutations of subgraphs take an idempotency key, for example
    `idempotencyKey`. The router writes the key of the header into this argument or field, in the client's variables. If
    each root field of a mutation has such a key, the subgraphs recognise repetitions, and the router stores no
    response. This name has an effect even if `enabled` is false."""
    ttl: Duration = 172_800.0
    """How long a key and its response are stored."""
    entries: Count = 10_000
    """The largest number of keys in the memory of a worker, if there is no Redis. The oldest are forgotten first."""
    memory_bytes: Count = 50_000_000
    """The largest memory of the responses of a worker, if there is no Redis."""
    redis: Annotated[IdempotencyRedis | None, NoneWithoutUrl] = None
    """A Redis in which all workers and routers store keys and responses. With null, each worker stores its own keys: a
    repetition is then recognised only if it reaches the same worker."""
