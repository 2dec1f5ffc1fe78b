"""A running attempt, such as a login, and the counts of rate limits in which it is included."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from servicekit.client_address import customer_network, site_network
from servicekit.errors import RateLimited, Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from servicekit.client_address import IPAddress
    from servicekit.rate_limits import RateLimit, RateLimitStore

# How many times higher the limit of an IPv6 site (a /48 network) is than the limit of an address (a /64 network). A
# customer who has a whole site has 65,536 such addresses.
_ADDRESSES_OF_SITE: Final = 16


@dataclass(frozen=True, slots=True)
class Origin:
    """The networks from which a request comes.

    Attributes:
        network: the network that counts as one address: an IPv4 address, or the /64 network of an IPv6 address.
        has_address_limits: False for loopback in development, where everybody has the same address.
        site: the /48 network of an IPv6 address; None for an IPv4 address. An Internet provider may give this network
            to one customer, or divide it among many customers.
    """

    network: str
    has_address_limits: bool
    site: str | None = None

    @classmethod
    def of(cls, address: IPAddress | None, *, limits_loopback: bool) -> Origin:
        is_loopback = address is not None and address.is_loopback
        return cls(customer_network(address), limits_loopback or not is_loopback, site_network(address))


@dataclass(frozen=True, slots=True)
class Attempt:
    """The counts in which an attempt is included. Each method that counts returns a new object.

    Attributes:
        store: the store of the counts.
        counted: the limits, each with the key under which the attempt is counted.
    """

    store: RateLimitStore
    counted: tuple[tuple[RateLimit, str], ...] = ()

    async def take(self, limit: RateLimit, key: str) -> Attempt:
        """Count the attempt in a limit.

        Raises:
            RateLimited: the limit refuses the attempt, which is not counted anywhere any more.
            Unavailable: it cannot be counted now, and the limit is closed then.
        """
        async with self.given_back_unless_counted():
            taken = await self.store.take(limit, key)
            if not taken.is_allowed:
                raise limit.refusal(taken.wait)
        return Attempt(self.store, (*self.counted, (limit, key)))

    async def take_address(self, limit: RateLimit, origin: Origin) -> Attempt:
        """Count the attempt in the limit of its address. For IPv6, also count it in the limit of the /48 network.

        Raises:
            RateLimited: as `take`.
            Unavailable: as `take`.
        """
        if not origin.has_address_limits:
            return self
        attempt = await self.take(limit, origin.network)
        return attempt if origin.site is None else await attempt.take(of_site(limit), origin.site)

    async def add(self, limit: RateLimit, key: str) -> Attempt:
        """Count the attempt in a limit even if the limit is exceeded.

        Raises:
            Unavailable: as `take`.
        """
        async with self.given_back_unless_counted():
            await self.store.add(limit, key)
        return Attempt(self.store, (*self.counted, (limit, key)))

    @asynccontextmanager
    async def given_back_unless_counted(self) -> AsyncIterator[None]:
        """Remove the attempt from all counts if the block refuses it, or cannot decide about it."""
        try:
            yield
        except (RateLimited, Unavailable):
            await self.give_back()
            raise

    async def give_back(self) -> None:
        """Remove the attempt from all counts, because it succeeded or was not made."""
        for limit, key in self.counted:
            await self.store.give_back(limit, key)


def of_site(limit: RateLimit) -> RateLimit:
    """Return the limit of a site. `limit` is the limit of an address."""
    return replace(limit, name=f"{limit.name}-site", count=limit.count * _ADDRESSES_OF_SITE)
