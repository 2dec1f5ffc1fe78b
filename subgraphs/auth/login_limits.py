"""How often somebody may try to log in or register (bank §2.11).

A failed login is counted in three ways. Each count has its own limit. Further logins have these consequences:

| counted for each | failures without consequence | consequence of more failures |
|---|---|---|
| address | 30 a minute | refused until the count has fallen |
| account and address | 10 in 15 minutes | the next attempt waits 1 s, 2 s, 4 s … up to 15 minutes |
| account, from all addresses | 10 in 15 minutes | each address must wait once: 1 s for each failure above the tenth |

The third row slows down an attacker who guesses from many addresses. But an attacker must not be able to lock out the
owner of an account. So each address has its own wait. Requests from other addresses cannot make this wait longer.

The second row limits the failures from one address, so one address can add only few failures to the third row. So the
owner of the account waits only once, for some seconds. An attacker with N addresses can make N times as many guesses.
The bank accepts this, because no owner may be locked out.

An attempt is counted when it begins, so attempts that run at the same time count too. The attempt is removed from the
counts when it succeeds, or when no hash was computed. All counts use the e-mail address that the client sent, even if
no account has this address. So no limit reveals whether an account exists.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from servicekit.client_address import customer_network, site_network
from servicekit.rate_limits import RateLimit

if TYPE_CHECKING:
    from servicekit.client_address import IPAddress
    from servicekit.rate_limits import RateLimitStore
    from subgraphs.auth.settings import AuthSettings

_LOGIN_WINDOW: Final = 15 * 60.0
_ADDRESS_WINDOW: Final = 60.0
_REGISTRATION_WINDOW: Final = 60 * 60.0
# How many times higher the limit of an IPv6 site (a /48 network) is than the limit of an address (a /64 network). A
# customer who has a whole site has 65,536 such addresses.
_ADDRESSES_OF_SITE: Final = 16
# A wait is never longer than the window in which the failures are counted.
_LONGEST_WAIT: Final = _LOGIN_WINDOW


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


def _of_site(limit: RateLimit) -> RateLimit:
    """Return the limit of a site. `limit` is the limit of an address."""
    return replace(limit, name=f"{limit.name}-site", count=limit.count * _ADDRESSES_OF_SITE)


@dataclass(frozen=True, slots=True)
class Attempt:
    """The counts in which a running login or registration is included."""

    store: RateLimitStore
    counted: tuple[tuple[RateLimit, str], ...]

    async def give_back(self) -> None:
        """Remove the attempt from all counts, because it succeeded or no hash was computed."""
        for limit, key in self.counted:
            await self.store.give_back(limit, key)


class LoginLimits:
    """Counts logins and registrations in a store, and refuses too many of them."""

    def __init__(self, store: RateLimitStore, *, per_account: int, per_address: int, registrations: int) -> None:
        self._store = store
        self._address = RateLimit("login-address", per_address, _ADDRESS_WINDOW)
        self._account = RateLimit("login-account", per_account, _LOGIN_WINDOW)
        self._pair = RateLimit("login-account-address", per_account, _LOGIN_WINDOW, doubling=_LONGEST_WAIT)
        self._choice = RateLimit("password-choice-address", per_address, _ADDRESS_WINDOW)
        self._registration = RateLimit("register-address", registrations, _REGISTRATION_WINDOW)

    @classmethod
    def of(cls, settings: AuthSettings, store: RateLimitStore) -> LoginLimits:
        return cls(
            store,
            per_account=settings.login_failures_per_account,
            per_address=settings.login_failures_per_address,
            registrations=settings.registrations_per_address,
        )

    async def begin_login(self, account: str, origin: Origin) -> Attempt:
        """Count a login as a failure until it succeeds.

        Args:
            account: a key of the account that is the same for all spellings of its e-mail address (`domain.email_key`),
                or any other text.
            origin: the networks from which the request comes.

        Raises:
            RateLimited: the login may be tried later.
        """
        pair = f"{origin.network} {account}"
        attempt = await self._take(Attempt(self._store, ()), self._pair, pair)
        attempt = await self._take_address(attempt, self._address, origin)
        turn = await self._turn(account, pair)
        if turn > 0:
            await attempt.give_back()
            raise self._account.refusal(turn)
        await self._store.add(self._account, account)
        return Attempt(self._store, (*attempt.counted, (self._account, account)))

    async def count_password_choice(self, origin: Origin) -> None:
        """Count a new password, because checking it needs some milliseconds of CPU time.

        A password that is refused is counted, too.

        Raises:
            RateLimited: a password may be chosen later.
        """
        await self._take_address(Attempt(self._store, ()), self._choice, origin)

    async def begin_registration(self, origin: Origin) -> Attempt:
        """Count a registration.

        Raises:
            RateLimited: the registration may be tried later.
        """
        return await self._take_address(Attempt(self._store, ()), self._registration, origin)

    async def _take_address(self, attempt: Attempt, limit: RateLimit, origin: Origin) -> Attempt:
        """Count the attempt in the limit of the address. For IPv6, also count it in the limit of the /48 network."""
        if not origin.has_address_limits:
            return attempt
        attempt = await self._take(attempt, limit, origin.network)
        if origin.site is None:
            return attempt
        return await self._take(attempt, _of_site(limit), origin.site)

    async def _take(self, attempt: Attempt, limit: RateLimit, key: str) -> Attempt:
        taken = await self._store.take(limit, key)
        if not taken.is_allowed:
            await attempt.give_back()
            raise limit.refusal(taken.wait)
        return Attempt(self._store, (*attempt.counted, (limit, key)))

    async def _turn(self, account: str, pair: str) -> float:
        """Return how many seconds this login must wait because of the third row of the table (see the module).

        The login must already be counted for `pair`, the key of the account and the address.
        """
        over = await self._over(self._account, account)
        if over < 0:
            return 0.0
        needed = min(1.0 + over, _LONGEST_WAIT)
        before = await self._over(self._pair, pair) - 1
        # The second row of the table may already have made this address wait for the present attempt. If that wait was
        # long enough, the login does not wait again.
        if before >= 0 and min(2.0**before, _LONGEST_WAIT) >= needed:
            return 0.0
        return await self._store.wait_turn("login-turn", pair, needed)

    async def _over(self, limit: RateLimit, key: str) -> int:
        """Return by how many events the count is above the limit's `count`. The result is negative below the limit."""
        return round(await self._store.level(limit, key)) - limit.count
