"""`rate_limits`: how many requests a client may send in a period."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from router.settings.section import Section
from router.settings.types import Count, Duration, NoneWithoutUrl, RedisUrl

_SIMPLE = frozenset({"address", "api_key", "client_name", "operation"})
_NAMED = frozenset({"header", "claim"})


def _key_part(value: str) -> str:
    kind, colon, name = value.partition(":")
    if (not colon and kind in _SIMPLE) or (kind in _NAMED and name):
        return f"{kind}:{name.lower()}" if kind == "header" else value
    raise ValueError("a part is `address`, `api_key`, `client_name`, `operation`, `header:<name>` or `claim:<name>`")


KeyPart = Annotated[str, AfterValidator(_key_part)]
"""What distinguishes clients: their address, a header, a claim, and so on."""


class RateLimitRule(Section):
    """One limit. Each client has its own count."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.*-]*$")]
    """The name in `RateLimit`, `RateLimit-Policy`, logs and errors. It must be unique."""
    key: Annotated[tuple[KeyPart, ...], Field(min_length=1)] = ("address",)
    """The parts that identify a client. `address`: its IP address, or its /64 network with IPv6; behind proxies, see
    `server.trusted_proxies`. The other parts: `header:<name>`, `claim:<name>`, `api_key`, `client_name` (the header
    `apollographql-client-name`), `operation` (the operation name). If the request does not have one of the parts, the
    rule does not apply. Clients choose headers and names themselves, so add another rule with `address`."""
    limit: Count
    """How much a client may use in each `period`: requests, or cost."""
    period: Duration = 1.0
    """The time after which the whole `limit` is available again."""
    burst: Count | None = None
    """How much a client may use at once after a pause. Null means the value of `limit`."""
    counts: Literal["requests", "cost"] = "requests"
    """`requests`: each operation counts 1. `cost`: each operation counts its estimated cost (`demand_control`). An
    operation that costs more than `burst` counts as `burst`."""


class RateLimitRedis(Section):
    """A Redis in which all workers and routers count together."""

    url: RedisUrl
    """URL of the Redis: redis://, rediss:// or unix://, with credentials if the Redis requires them; never printed."""
    timeout: Duration = 0.1
    """Time limit of a decision. Without a decision, `unavailable` says what happens."""
    prefix: str = "mosafe:rate:"
    """The prefix of the keys in Redis."""
    unavailable: Literal["local", "open", "closed"] = "local"
    """What happens while Redis does not respond. `local`: each worker counts by itself. `open`: requests are not
    limited. `closed`: requests are refused with 503."""


class RateLimits(Section):
    """How many requests a client may send in a period. A request must be within all rules; otherwise it gets 429."""

    rules: tuple[RateLimitRule, ...] = ()
    """The limits."""
    redis: Annotated[RateLimitRedis | None, NoneWithoutUrl] = None
    """A Redis in which all workers and routers count together. With null, each worker counts by itself."""
    clients: Count = 100_000
    """The largest number of clients that a worker remembers, for each rule. If there are more clients, the clients with
    the lowest use are forgotten.
    """

    @model_validator(mode="after")
    def _names_are_unique(self) -> RateLimits:
        names = [rule.name for rule in self.rules]
        if len(names) != len(set(names)):
            raise ValueError("two rules have the same name")
        return self
