"""Sessions through REST and the router: devices are known behind both, and an end is seen by every process at once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.platform import PASSWORD

if TYPE_CHECKING:
    from tests.e2e.platform import Platform

pytestmark = pytest.mark.xdist_group("bank")

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
SESSIONS = "{ me { sessions { nodes { id device network isCurrent } } } }"
END_OTHERS = "mutation { endOtherSessions { ... on EndSessionsSuccess { ended } } }"


def log_in(bank: Platform, email: str, **headers: str) -> dict[str, Any]:
    response = bank.client.post(
        f"{bank.rest_url}/api/auth/login", json={"email": email, "password": PASSWORD}, headers=headers
    )
    session: dict[str, Any] = response.json()
    assert response.status_code == 200, session
    return session


def codes(body: dict[str, Any]) -> set[str]:
    return {error["extensions"]["code"] for error in body.get("errors", [])}


def test_a_session_shows_the_browser_of_a_rest_client(bank: Platform) -> None:
    ada = bank.register("Ada")
    log_in(bank, ada.email, **{"user-agent": FIREFOX, "x-forwarded-for": "203.0.113.77"})
    nodes = bank.graphql(SESSIONS, ada)["data"]["me"]["sessions"]["nodes"]
    assert [(each["device"], each["network"], each["isCurrent"]) for each in nodes] == [
        ("Firefox on Windows", "203.0.113.0/24", False),
        ("Unknown device", "127.0.0.0/24", True),
    ]


def test_a_strange_user_agent_is_no_error(bank: Platform) -> None:
    ada = bank.register("Ada")
    for text in (b"\xe9\xff", b"x" * 4_000, b"a\tb"):
        response = bank.client.post(
            f"{bank.rest_url}/api/auth/login",
            json={"email": ada.email, "password": PASSWORD},
            headers=[(b"user-agent", text)],
        )
        assert response.status_code == 200, (text, response.text)


def test_other_sessions_end_in_every_process_at_once(bank: Platform) -> None:
    ada = bank.register("Ada")
    session = log_in(bank, ada.email)
    other = replace(ada, access_token=session["accessToken"])
    assert bank.graphql(END_OTHERS, ada)["data"]["endOtherSessions"] == {"ended": 1}
    assert codes(bank.graphql("{ me { id } }", other)) == {"UNAUTHENTICATED"}
    for name, query in (("account", "{ accounts { totalCount } }"), ("transaction", "{ transactions { totalCount } }")):
        assert codes(bank.graphql(query, other, url=bank.subgraph_url(name))) == {"UNAUTHENTICATED"}
    assert bank.client.get(f"{bank.rest_url}/api/auth/me", headers=other.headers).status_code == 401
    assert bank.call("GET", "/api/auth/me", ada)["email"] == ada.email
