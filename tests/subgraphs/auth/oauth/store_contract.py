"""The contract of the authorization server's part of every auth store.

Covers `subgraphs/auth/oauth/store.py`.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bank.scopes import OPENID
from subgraphs.auth.audit_log.entry import Action
from subgraphs.auth.domain import RefreshToken, Session
from subgraphs.auth.oauth.store import Grant, Ticket, digest
from tests.subgraphs.auth.audit_log.contract import new_entry
from tests.subgraphs.auth.oauth.browser import a_client
from tests.subgraphs.auth.store_contract import HASH, NOW, user

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from subgraphs.auth.store.protocol import AuthStore

    OpenStore = Callable[[], AbstractAsyncContextManager[AuthStore]]

LATER = NOW + timedelta(minutes=1)


async def clients_are_stored_unchanged(open_store: OpenStore) -> None:
    first = a_client(created_at=NOW, name="Caf\u00e9 \u738b", roles=frozenset({"SUPPORT"}), requires_dpop=True)
    second = a_client(created_at=LATER, secret_digest=None)
    async with open_store() as store:
        await store.oauth.add_client(second)
        await store.oauth.add_client(first)
    async with open_store() as store:
        assert await store.oauth.clients() == [first, second]
        assert await store.oauth.client(first.id) == first
        renamed = replace(first, name="Other")
        assert await store.oauth.replace_client(renamed)
        assert await store.oauth.client(first.id) == renamed
        assert not await store.oauth.replace_client(a_client())
        for unknown in ("", "nobody", "\x00", "\ud800", "x" * 1000):
            assert await store.oauth.client(unknown) is None


async def changes_of_clients_have_their_entries(open_store: OpenStore) -> None:
    client, absent = a_client(), a_client()
    async with open_store() as store:
        await store.oauth.add_client(client, audit=new_entry(0, Action.CLIENT_CREATED))
        assert not await store.oauth.replace_client(absent, audit=new_entry(1, Action.CLIENT_SECRET_ROTATED))
        assert await store.oauth.replace_client(client, audit=new_entry(2, Action.CLIENT_SECRET_ROTATED))
        assert await store.oauth.remove_client(absent.id, audit=new_entry(3, Action.CLIENT_REMOVED)) is None
        assert await store.oauth.remove_client(client.id, audit=new_entry(4, Action.CLIENT_REMOVED)) == []
        ticket = Ticket("invitation", b"digest", "[]", LATER, b"alias")
        assert await store.oauth.add_ticket(ticket, NOW, audit=new_entry(5, Action.CLIENT_INVITED))
        again = replace(ticket, digest=b"another")
        assert not await store.oauth.add_ticket(again, NOW, audit=new_entry(6, Action.CLIENT_INVITED))
        assert [(each.entry.action, each.entry.at) for each in await store.audit_log.entries_after(0, 9)] == [
            (new_entry(number, action).entry.action, new_entry(number).entry.at)
            for number, action in (
                (0, Action.CLIENT_CREATED),
                (2, Action.CLIENT_SECRET_ROTATED),
                (4, Action.CLIENT_REMOVED),
                (5, Action.CLIENT_INVITED),
            )
        ]


async def a_removed_client_has_no_grants(open_store: OpenStore) -> None:
    async with open_store() as store:
        grants = [await _granted(store, name) for name in ("a", "b")]
        client_id = grants[0].client_id
        other = await _granted(store, "c", a_client())
        assert await store.oauth.remove_client(client_id) == ["a", "b"]
        assert await store.oauth.remove_client(client_id) is None
        assert await store.oauth.client(client_id) is None
        assert await store.oauth.grant("a") is None
        assert await store.oauth.grant("c") == other
        assert await store.session("a") is not None
        assert not await store.oauth.add_grant(replace(grants[0], session_id="a"))


async def a_grant_is_found_by_its_session_and_its_refresh_token(open_store: OpenStore) -> None:
    async with open_store() as store:
        grant = await _granted(store, "a")
        assert await store.oauth.grant("a") == grant
        assert await store.oauth.grant("b") is None
        assert await store.oauth.session_of_refresh_token(b"token of a") == "a"
        assert await store.oauth.session_of_refresh_token(b"other") is None
        assert await store.oauth.session_of_refresh_token(b"used long ago", b"family of a") == "a"
        assert await store.oauth.session_of_refresh_token(b"token of a", b"family of a") == "a"
        assert await store.oauth.session_of_refresh_token(b"other", b"other family") is None


async def grants_are_found_by_sessions_with_their_clients(open_store: OpenStore) -> None:
    async with open_store() as store:
        first, second = await _granted(store, "a"), await _granted(store, "b", a_client(created_at=NOW))
        clients = {client.id: client for client in await store.oauth.clients()}
        assert await store.oauth.grants_of_sessions(["a", "b", "a", "unknown"]) == {
            "a": (first, clients[first.client_id]),
            "b": (second, clients[second.client_id]),
        }
        assert await store.oauth.grants_of_sessions([]) == {}


async def live_grants_are_of_the_user_and_the_client(open_store: OpenStore) -> None:
    async with open_store() as store:
        grant = await _granted(store, "a")
        other = await _granted(store, "b", a_client())
        assert await store.oauth.live_grants(grant.user_id, grant.client_id, LATER) == [grant]
        assert await store.oauth.live_grants(grant.user_id, None, LATER) == [grant]
        assert await store.oauth.live_grants(other.user_id, None, LATER) == [other]
        assert await store.oauth.live_grants(grant.user_id, other.client_id, LATER) == []
        assert await store.oauth.live_grants("somebody", grant.client_id, LATER) == []
        assert await store.oauth.live_grants(grant.user_id, grant.client_id, NOW + timedelta(days=365)) == []
        await store.end_session("a", LATER)
        assert await store.oauth.live_grants(grant.user_id, grant.client_id, LATER) == []


async def a_rule_changes_a_grant(open_store: OpenStore) -> None:
    def narrow(grant: Grant) -> Grant:
        return replace(grant, scopes=frozenset({OPENID}))

    async with open_store() as store:
        grant, other = await _granted(store, "a"), await _granted(store, "b", a_client())
        assert await store.oauth.change_grant("a", narrow) == narrow(grant)
        assert await store.oauth.grant("a") == narrow(grant)
        assert await store.oauth.grant("b") == other
        assert await store.oauth.change_grant("nobody", narrow) is None


async def a_session_is_read_with_its_user(open_store: OpenStore) -> None:
    async with open_store() as store:
        grant = await _granted(store, "a")
        found = await store.session("a")
        assert found is not None
        assert (found[0].id, found[1].id, found[0].ended_at) == ("a", grant.user_id, None)
        await store.end_session("a", LATER)
        ended = await store.session("a")
        assert ended is not None
        assert ended[0].ended_at == LATER
        assert await store.session("nobody") is None


async def tickets_are_found_by_kind_and_secret(open_store: OpenStore) -> None:
    ticket = Ticket("code", digest("secret"), '{"a": "\\u00e9"}', LATER, digest("alias"))
    async with open_store() as store:
        assert await store.oauth.add_ticket(ticket, NOW)
    async with open_store() as store:
        assert await store.oauth.ticket("code", digest("secret")) == ticket
        assert await store.oauth.ticket("code", digest("alias")) == ticket
        assert await store.oauth.ticket("device", digest("secret")) is None
        assert await store.oauth.ticket("code", digest("other")) is None


async def an_alias_is_unique_in_its_kind(open_store: OpenStore) -> None:
    async with open_store() as store:
        assert await store.oauth.add_ticket(Ticket("a", b"1", "1", LATER, b"alias"), NOW)
        assert not await store.oauth.add_ticket(Ticket("a", b"2", "2", LATER, b"alias"), NOW)
        assert await store.oauth.add_ticket(Ticket("b", b"1", "3", LATER, b"alias"), NOW)
        assert await store.oauth.add_ticket(Ticket("a", b"3", "4", LATER), NOW)
        assert await store.oauth.add_ticket(Ticket("a", b"4", "5", LATER), NOW)


async def expired_tickets_are_deleted(open_store: OpenStore) -> None:
    async with open_store() as store:
        await store.oauth.add_ticket(Ticket("a", b"old", "1", NOW), NOW)
        await store.oauth.add_ticket(Ticket("a", b"new", "2", LATER), NOW)
        assert await store.oauth.ticket("a", b"old") is not None
        await store.oauth.add_ticket(Ticket("a", b"newest", "3", LATER), LATER)
        assert await store.oauth.ticket("a", b"old") is None
        assert await store.oauth.ticket("a", b"new") is not None


async def a_rule_changes_deletes_or_keeps_a_ticket(open_store: OpenStore) -> None:
    ticket = Ticket("a", b"1", "before", NOW)
    async with open_store() as store:
        await store.oauth.add_ticket(ticket, NOW)
        changed = replace(ticket, document="after", expires_at=LATER)
        assert await store.oauth.change_ticket("a", b"1", lambda _ticket: changed) == ticket
        assert await store.oauth.ticket("a", b"1") == changed
        with pytest.raises(RuntimeError):
            await store.oauth.change_ticket("a", b"1", _refuse)
        assert await store.oauth.ticket("a", b"1") == changed
        assert await store.oauth.change_ticket("a", b"1", lambda _ticket: None) == changed
        assert await store.oauth.change_ticket("a", b"1", lambda _ticket: None) is None


async def one_of_many_concurrent_rules_takes_a_ticket(open_store: OpenStore) -> None:
    async with open_store() as store, open_store() as other:
        await store.oauth.add_ticket(Ticket("a", b"1", "once", LATER), NOW)
        taken = await asyncio.gather(
            *(each.oauth.change_ticket("a", b"1", lambda _ticket: None) for each in [store, other] * 4)
        )
        assert [each is None for each in taken].count(False) == 1


def _refuse(_ticket: Ticket) -> Ticket:
    raise RuntimeError


async def _granted(store: AuthStore, name: str, client: object = None) -> Grant:
    """A grant with a new user. Without `client`, all grants have one client."""
    known = await store.oauth.clients()
    used = known[0] if client is None and known else a_client(created_at=NOW)
    if used not in known:
        await store.oauth.add_client(used)
    owner = user(f"{name}@example.com")
    await store.add_user(owner, HASH)
    session = replace(Session.begin(name, owner.id, NOW), family=f"family of {name}".encode())
    assert await store.begin_session(session, RefreshToken.issue(f"token of {name}".encode(), session, NOW), NOW)
    grant = Grant(name, used.id, owner.id, frozenset({"openid"}), NOW, nonce="n")
    assert await store.oauth.add_grant(grant)
    return grant


CHECKS = (
    clients_are_stored_unchanged,
    changes_of_clients_have_their_entries,
    a_removed_client_has_no_grants,
    a_grant_is_found_by_its_session_and_its_refresh_token,
    grants_are_found_by_sessions_with_their_clients,
    live_grants_are_of_the_user_and_the_client,
    a_rule_changes_a_grant,
    a_session_is_read_with_its_user,
    tickets_are_found_by_kind_and_secret,
    an_alias_is_unique_in_its_kind,
    expired_tickets_are_deleted,
    a_rule_changes_deletes_or_keeps_a_ticket,
    one_of_many_concurrent_rules_takes_a_ticket,
)
