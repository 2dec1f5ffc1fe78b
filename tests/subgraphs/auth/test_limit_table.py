from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from servicekit.errors import ConfigurationError
from servicekit.rate_limits import Mode
from servicekit.settings import load
from subgraphs.auth.action_limits import Action
from subgraphs.auth.settings import AuthSettings

if TYPE_CHECKING:
    from subgraphs.auth.limit_table import LimitTable


def table(limits: str = "", without_redis: str = "", **variables: str) -> LimitTable:
    texts = {"AUTH_RATE_LIMITS": limits, "AUTH_RATE_LIMITS_WITHOUT_REDIS": without_redis}
    return load(AuthSettings, {**texts, **variables}).limits


@pytest.mark.parametrize("action", Action)
def test_each_action_is_limited_for_an_address_and_all_and_most_for_an_account(action: Action) -> None:
    kinds = ("address", "global") if action is Action.LINK else ("address", "account", "global")
    limits = [table().limit(f"{action}-{of}") for of in kinds]
    assert all(limit.count > 0 and limit.seconds > 0 and limit.doubling is None for limit in limits)
    # Nobody stops all others from one address.
    assert limits[-1].count / limits[-1].seconds > 50 * limits[0].count / limits[0].seconds


def test_an_operator_changes_single_limits() -> None:
    changed = table("reset-account=7/60, token-global=9/1", AUTH_LOGIN_FAILURES_PER_ADDRESS="4")
    assert changed.limit("reset-account").policy == '"reset-account";q=7;w=60'
    assert changed.limit("token-global").policy == '"token-global";q=9;w=1'
    assert changed.limit("login-address").policy == '"login-address";q=4;w=60'
    assert changed.limit("password-choice-address").policy == '"password-choice-address";q=4;w=60'
    assert changed.limit("reset-address") == table().limit("reset-address")


@pytest.mark.parametrize(
    ("text", "modes"),
    [
        ("", ("local", "local", "local", "local")),
        ("closed", ("closed", "closed", "closed", "closed")),
        ("login=closed", ("closed", "closed", "local", "local")),
        ("open, login=closed, login-account=local,reset-account=closed", ("closed", "local", "closed", "open")),
    ],
)
def test_the_longest_name_decides_what_happens_without_redis(text: str, modes: tuple[str, ...]) -> None:
    names = ("login-address-site", "login-account-address", "reset-account", "token-global")
    assert tuple(table(without_redis=text).mode(name) for name in names) == modes


@pytest.mark.parametrize(
    ("limits", "without_redis", "message"),
    [
        ("reset=5/60", "", "there is no limit 'reset'; the limits are link-address, "),
        ("reset-account", "", "'reset-account' is not of the form name=count/seconds"),
        ("reset-account=0/60", "", "reset-account=0/60 is not of the form name=count/seconds, such as reset-account="),
        ("reset-account=5", "", "is not of the form"),
        ("login-account=5/60", "", "login-account has a variable of its own: AUTH_LOGIN_FAILURES_PER_ACCOUNT"),
        ("", "shut", "'shut' is not one of local, open, closed"),
        ("", "local,login=shut", "'shut' is not one of"),
        ("", "local,sign=open", "no limit is named 'sign' or begins with it"),
        ("", "local,closed", "'closed' is not of the form name=mode"),
    ],
)
def test_a_mistake_is_named(limits: str, without_redis: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^AUTH_RATE_LIMITS(_WITHOUT_REDIS)?: .*{message}"):
        table(limits, without_redis)


def test_every_mode_is_a_setting() -> None:
    assert {table(without_redis=mode).mode("login-account") for mode in Mode} == set(Mode)
