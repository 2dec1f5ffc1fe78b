"""How often somebody may try to log in or register (bank §2.11).

A failed login is counted in three ways. Each count has its own limit. Further logins have these consequences:

| counted for each | failures without consequence | consequence of more failures |
|---|---|---|
| address | 30 a minute | refused until the count has fallen |
| account and address | 10 in 15 minutes | the next attempt waits 1 s, 2 s, 4 s … up to 15 minutes |
| account, from all addresses | 10 in 15 minutes | each address must wait once: 1 s for each failure above the tenth |

The third row slows down an attacker who guesses from many addresses. But an attacker must not be able to lock out the
owner of an account. So each address has its own wait. Requests from other addresses cannot make this wait longer.

A login is also refused if very many logins fail at the same time (`login-global`). This ends a flood from so many
addresses that the other limits cannot.

The second row limits the failures from one address, so one address can add only few failures to the third row. So the
owner of the account waits only once, for some seconds. An attacker with N addresses can make N times as many guesses.
The bank accepts this, because no owner may be locked out.

An attempt is counted when it begins, so attempts that run at the same time count too. The attempt is removed from the
counts when it succeeds, or when no hash was computed. All counts use the e-mail address that the client sent, even if
no account has this address. So no limit reveals whether an account exists.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicekit.rate_limits import RateLimit
from subgraphs.auth.action_limits import Action, ActionLimits
from subgraphs.auth.attempts import Attempt

if TYPE_CHECKING:
    from servicekit.rate_limits import RateLimitStore
    from subgraphs.auth.attempts import Origin
    from subgraphs.auth.limit_table import LimitTable


class LoginLimits:
    """Counts logins and registrations in a store, and refuses too many of them."""

    def __init__(self, store: RateLimitStore, table: LimitTable) -> None:
        self._store = store
        self._address = table.limit("login-address")
        self._account = account = table.limit("login-account")
        # A wait is never longer than the window in which the failures are counted.
        self._longest_wait = account.seconds
        self._pair = RateLimit("login-account-address", account.count, account.seconds, doubling=account.seconds)
        self._global = table.limit("login-global")
        self._code = table.limit("second-factor-account")
        self._passkey = table.limit("passkey-login-address")
        self._choice = table.limit("password-choice-address")
        self._actions = ActionLimits(store, table)

    async def begin_login(self, account: str, origin: Origin) -> Attempt:
        """Count a login as a failure until it succeeds.

        Args:
            account: a key of the account that is the same for all spellings of its e-mail address (`domain.email_key`),
                or any other text.
            origin: the networks from which the request comes.

        Raises:
            RateLimited: the login may be tried later.
            Unavailable: the login cannot be counted now, and a limit is closed then.
        """
        pair = f"{origin.network} {account}"
        attempt = await Attempt(self._store).take(self._pair, pair)
        attempt = await attempt.take_address(self._address, origin)
        attempt = await attempt.take(self._global, "")
        async with attempt.given_back_unless_counted():
            turn = await self._turn(account, pair)
            if turn > 0:
                raise self._account.refusal(turn)
        return await attempt.add(self._account, account)

    async def begin_second_factor(self, account: str, origin: Origin, *, is_code: bool) -> Attempt:
        """Count a second factor as a failed login until it is accepted.

        Args:
            account: as in `begin_login`.
            origin: as in `begin_login`.
            is_code: whether it is a code of an authenticator app, which can be guessed.

        Raises:
            RateLimited: it may be tried later.
        """
        attempt = await self.begin_login(account, origin)
        return await attempt.take(self._code, account) if is_code else attempt

    async def count_passkey_login(self, origin: Origin) -> None:
        """Count the begin of a login with a passkey, because it stores a challenge.

        Raises:
            RateLimited: it may be tried later.
        """
        await Attempt(self._store).take_address(self._passkey, origin)

    async def count_password_choice(self, origin: Origin) -> None:
        """Count a new password, because checking it needs some milliseconds of CPU time.

        A password that is refused is counted, too.

        Raises:
            RateLimited: a password may be chosen later.
        """
        await Attempt(self._store).take_address(self._choice, origin)

    async def begin_registration(self, account: str, origin: Origin) -> Attempt:
        """Count a registration.

        Args:
            account: the key of the e-mail address, as for `begin_login`.
            origin: the networks from which the request comes.

        Raises:
            RateLimited: the registration may be tried later.
        """
        return await self._actions.count(Action.REGISTER, origin, account)

    async def _turn(self, account: str, pair: str) -> float:
        """Return how many seconds this login must wait because of the third row of the table (see the module).

        The login must already be counted for `pair`, the key of the account and the address.
        """
        over = await self._over(self._account, account)
        if over < 0:
            return 0.0
        needed = min(1.0 + over, self._longest_wait)
        before = await self._over(self._pair, pair) - 1
        # The second row of the table may already have made this address wait for the present attempt. If that wait was
        # long enough, the login does not wait again.
        if before >= 0 and min(2.0**before, self._longest_wait) >= needed:
            return 0.0
        return await self._store.wait_turn("login-turn", pair, needed)

    async def _over(self, limit: RateLimit, key: str) -> int:
        """Return by how many events the count is above the limit's `count`. The result is negative below the limit."""
        return round(await self._store.level(limit, key)) - limit.count
