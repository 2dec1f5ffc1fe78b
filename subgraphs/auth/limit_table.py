"""The table of the auth service's rate limits, with their defaults and what the operator has changed (bank §2.11)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Self

from servicekit.rate_limits import Mode, RateLimit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MINUTE: Final = 60.0
_QUARTER: Final = 15 * 60.0
_HOUR: Final = 60 * 60.0


# The limits by name. A name begins with the action, and ends with what is counted: the attempts of an `address`, those
# that concern an `account` (for `token`, an OAuth client), or all (`global`).
#
# The limits of an address fit an office behind one address. The global limits are above what one machine can do, so
# that they only end a flood from very many addresses. They must be high, because whoever exceeds them stops everybody.
_DEFAULTS: Final[Mapping[str, tuple[int, float]]] = MappingProxyType(
    {
        # Failed logins. `LoginLimits` explains the first two.
        "login-account": (10, _QUARTER),
        "login-address": (30, _MINUTE),
        "login-global": (6_000, _MINUTE),
        # Passwords that are judged, at a registration or when a password is changed.
        "password-choice-address": (30, _MINUTE),
        # Wrong codes of an authenticator app, whoever sends them. Only somebody with the password can send one. One of
        # a million codes is right at any time, so a thief of the password who never stops needs seven years for an even
        # chance. The owner can still log in with a passkey or a recovery code.
        "second-factor-account": (10, _HOUR),
        # Logins with a passkey alone that begin; each stores a challenge.
        "passkey-login-address": (30, _MINUTE),
        "register-account": (20, _HOUR),
        "register-address": (10, _HOUR),
        "register-global": (10_000, _HOUR),
        # Exchanges of a refresh token. A session makes one in ten minutes, and a page may send some at once.
        "refresh-account": (300, _MINUTE),
        "refresh-address": (600, _MINUTE),
        "refresh-global": (60_000, _MINUTE),
        # Mails for a new password, or for the verification of an address.
        "reset-account": (5, _HOUR),
        "reset-address": (20, _HOUR),
        "reset-global": (3_000, _HOUR),
        # Links of mails that are used, with their pages.
        "link-address": (60, _MINUTE),
        "link-global": (6_000, _MINUTE),
        # Requests to the token endpoint of the OAuth server.
        "token-account": (600, _MINUTE),
        "token-address": (600, _MINUTE),
        "token-global": (60_000, _MINUTE),
        # Wrong codes of the OAuth device flow. A code has 20^8 values and lives for ten minutes.
        "user-code-account": (10, _HOUR),
        "user-code-address": (30, _HOUR),
        "user-code-global": (6_000, _HOUR),
    }
)
# The limits that had variables of their own before AUTH_RATE_LIMITS.
_OWN_VARIABLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "login-account": "AUTH_LOGIN_FAILURES_PER_ACCOUNT",
        "login-address": "AUTH_LOGIN_FAILURES_PER_ADDRESS",
        "register-address": "AUTH_REGISTRATIONS_PER_ADDRESS",
    }
)
LIMITS: Final = "AUTH_RATE_LIMITS"
WITHOUT_REDIS: Final = "AUTH_RATE_LIMITS_WITHOUT_REDIS"
_QUOTA: Final = re.compile(r"([0-9]{1,9})/([0-9]{1,6})")


@dataclass(frozen=True, slots=True)
class LimitTable:
    """All limits of the service.

    Attributes:
        quotas: count and seconds of the limits that differ from the defaults, by name.
        modes: the modes of limits, or of all limits whose names begin with the same words, by these words.
        default_mode: the mode of the other limits.
    """

    quotas: Mapping[str, tuple[int, float]] = field(default_factory=dict)
    modes: Mapping[str, Mode] = field(default_factory=dict)
    default_mode: Mode = Mode.LOCAL

    @classmethod
    def parse(cls, limits: str, modes: str, own: Mapping[str, int]) -> Self:
        """Return the table of an operator's settings.

        Args:
            limits: the value of AUTH_RATE_LIMITS, which `check_limits` has accepted.
            modes: the value of AUTH_RATE_LIMITS_WITHOUT_REDIS, which `check_modes` has accepted.
            own: the counts of the limits that have variables of their own, by name.
        """
        counts = {**own, "password-choice-address": own["login-address"]}
        quotas = {name: (count, _DEFAULTS[name][1]) for name, count in counts.items()}
        default, by_name = _read_modes(modes)
        return cls({**quotas, **dict(_read_quotas(limits))}, by_name, default)

    def limit(self, name: str) -> RateLimit:
        """Return the limit with a name of the table. Raises KeyError if there is none."""
        count, seconds = self.quotas.get(name) or _DEFAULTS[name]
        return RateLimit(name, count, seconds)

    def mode(self, name: str) -> Mode:
        """Return the mode of the limit `name`. The longest of the names that it begins with decides."""
        matching = [each for each in self.modes if name == each or name.startswith(f"{each}-")]
        return self.modes[max(matching, key=len)] if matching else self.default_mode


def check_limits(text: str) -> str:
    """Return `text` if it is a value of AUTH_RATE_LIMITS. Raises ValueError that says what is wrong."""
    for name, _ in _read_quotas(text):
        if name in _OWN_VARIABLES:
            raise ValueError(f"{name} has a variable of its own: {_OWN_VARIABLES[name]}")
    return text


def check_modes(text: str) -> str:
    """Return `text` if it is a value of AUTH_RATE_LIMITS_WITHOUT_REDIS. Raises ValueError that says what is wrong."""
    _read_modes(text)
    return text


def _read_quotas(text: str) -> Iterator[tuple[str, tuple[int, float]]]:
    for name, quota in _pairs(text, "name=count/seconds"):
        if name not in _DEFAULTS:
            raise ValueError(f"there is no limit {name!r}; the limits are {', '.join(sorted(_DEFAULTS))}")
        match = _QUOTA.fullmatch(quota)
        if match is None or int(match[1]) == 0 or int(match[2]) == 0:
            raise ValueError(f"{name}={quota} is not of the form name=count/seconds, such as reset-account=5/3600")
        yield name, (int(match[1]), float(match[2]))


def _read_modes(text: str) -> tuple[Mode, dict[str, Mode]]:
    """Return the default mode, and the modes of names."""
    first, _, rest = text.partition(",")
    default, rest = (Mode.LOCAL, text) if "=" in first else (_mode(first), rest)
    modes: dict[str, Mode] = {}
    for name, mode in _pairs(rest, "name=mode"):
        if not any(limit == name or limit.startswith(f"{name}-") for limit in _DEFAULTS):
            raise ValueError(f"no limit is named {name!r} or begins with it; see {LIMITS}")
        modes[name] = _mode(mode)
    return default, modes


def _mode(text: str) -> Mode:
    try:
        return Mode(text.strip())
    except ValueError:
        raise ValueError(f"{text.strip()!r} is not one of {', '.join(Mode)}") from None


def _pairs(text: str, form: str) -> Iterator[tuple[str, str]]:
    for item in filter(None, (each.strip() for each in text.split(","))):
        name, equals, value = item.partition("=")
        if not equals:
            raise ValueError(f"{item!r} is not of the form {form}")
        yield name.strip(), value.strip()
