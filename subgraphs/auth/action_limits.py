"""How often an action may be tried: by an address, for an account, and by all together (bank §2.11).

```python
await limits.count(Action.RESET, origin, account=email_key(email))  # raises RateLimited
```

For logins, `subgraphs.auth.login_limits` has further rules.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from subgraphs.auth.attempts import Attempt

if TYPE_CHECKING:
    from servicekit.rate_limits import RateLimitStore
    from subgraphs.auth.attempts import Origin
    from subgraphs.auth.limit_table import LimitTable


class Action(StrEnum):
    """An action of a client. The limits of an action have its value in front of their names."""

    REGISTER = "register"
    """An account is an e-mail address."""
    REFRESH = "refresh"
    """An account is the user to whom the refresh token belongs. An unknown token has none."""
    RESET = "reset"
    """A mail is requested. An account is the e-mail address, whether a user has it or not."""
    LINK = "link"
    """A link of a mail is used. There is no account, because a link that cannot be guessed names it."""
    TOKEN = "token"  # noqa: S105 - the name of an action, not a secret
    """A request to the token endpoint. An account is an OAuth client."""
    USER_CODE = "user-code"
    """A code of the OAuth device flow is typed. An account is the user who types it. Right codes do not count."""


class ActionLimits:
    """Counts actions, and refuses too many of them."""

    def __init__(self, store: RateLimitStore, table: LimitTable) -> None:
        self._store = store
        self._table = table

    async def count(self, action: Action, origin: Origin, account: str | None = None) -> Attempt:
        """Count an action in the limits of its address, its account and all together.

        The address comes first. So what one address does in excess of its own limit uses up no limit of others.

        Args:
            action: what the client wants to do.
            origin: the networks from which the request comes.
            account: any text that names the account, or None if the account is not known yet. A limit must not tell
                whether an account exists, so the text is what the client sent.

        Returns:
            The attempt. If the action was not made, the caller may give the attempt back.

        Raises:
            RateLimited: the action may be tried later.
            Unavailable: the action cannot be counted now, and a limit is closed then.
        """
        attempt = await Attempt(self._store).take_address(self._table.limit(f"{action}-address"), origin)
        if account is not None:
            attempt = await attempt.take(self._table.limit(f"{action}-account"), account)
        return await attempt.take(self._table.limit(f"{action}-global"), "")

    async def count_account(self, action: Action, account: str) -> Attempt:
        """Count an action in the limit of its account only, because the account was not known before.

        Raises:
            RateLimited: as `count`.
            Unavailable: as `count`.
        """
        return await Attempt(self._store).take(self._table.limit(f"{action}-account"), account)
