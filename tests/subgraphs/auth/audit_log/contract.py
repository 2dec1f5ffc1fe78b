"""The contract of the audit log in every auth store; each check takes a function that opens the same store again.

Covers `subgraphs/auth/audit_log/protocol.py`, `subgraphs/auth/audit_log/queries.py`,
`subgraphs/auth/audit_log/sqlite.py` and `subgraphs/auth/audit_log/postgres.py`.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import pytest

from bank import values
from subgraphs.auth.audit_log.entry import Action, Actor, ActorKind, Entry, NewEntry, Outcome, Subject
from subgraphs.auth.audit_log.protocol import AuditFilter, OpenOperation, sort_key
from subgraphs.auth.domain import Role, User
from subgraphs.auth.resealing import Resealing
from subgraphs.auth.signing_keys import KeyVault
from subgraphs.auth.store.protocol import AuthStore, EmailExists
from subgraphs.kit.hash_chain import ChainKey, Link, first_broken
from subgraphs.kit.pages import PageRequest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    OpenStore = Callable[[], AbstractAsyncContextManager[AuthStore]]

NOW = datetime(2026, 1, 31, 9, 30, 0, 123_000, tzinfo=UTC)
KEY = ChainKey(b"k" * 32)


def new_entry(number: int = 0, action: Action = Action.ROLE_GRANTED, **details: str) -> NewEntry:
    actor = Actor(ActorKind.USER, f"actor {number % 2}")
    at = NOW + timedelta(seconds=number)
    outcome = Outcome.REFUSED if number == 3 else Outcome.DONE
    return NewEntry(KEY, Entry(at, actor, action, Subject.user(f"user {number}"), outcome, "192.0.2.0/24", details))


async def entries_form_one_chain(open_store: OpenStore) -> None:
    async with open_store() as store:
        assert await store.audit_log.entries_after(0, 10) == []
        for number in range(3):
            await store.audit_log.append(new_entry(number, role="SUPPORT \u738b"))
    async with open_store() as store:
        stored = await store.audit_log.entries_after(0, 10)
        assert [each.entry for each in stored] == [
            new_entry(number, role="SUPPORT \u738b").entry for number in range(3)
        ]
        assert first_broken(KEY, stored, Link()) == (None, stored[-1].link)
        assert [each.link.position for each in stored] == [1, 2, 3]
        assert [each.link.position for each in await store.audit_log.entries_after(1, 1)] == [2]


async def concurrent_entries_follow_each_other(open_store: OpenStore) -> None:
    async with open_store() as one, open_store() as other:
        await asyncio.gather(*((one, other)[number % 2].audit_log.append(new_entry(number)) for number in range(20)))
        stored = await one.audit_log.entries_after(0, 100)
        assert len(stored) == 20
        assert first_broken(KEY, stored, Link())[0] is None


async def every_change_of_users_and_keys_has_its_entry(open_store: OpenStore) -> None:
    ann = User(values.new_user_id(), "ann@example.com", "Ann", frozenset({Role.CUSTOMER}), NOW)
    async with open_store() as store:
        await store.add_user(ann, "hash", audit=new_entry(0, Action.USER_CREATED))
        await store.grant(ann.id, Role.ADMIN, audit=new_entry(1))
        await store.revoke_role(ann.id, Role.ADMIN, NOW, audit=new_entry(2, Action.ROLE_REVOKED))
        await store.disable(ann.id, NOW, audit=new_entry(3, Action.USER_DISABLED))
        await store.enable(ann.id, audit=new_entry(4, Action.USER_ENABLED))
        key = KeyVault("s" * 32).create(NOW, NOW)
        assert await store.replace_signing_keys((), key, (), audit=new_entry(5, Action.SIGNING_KEYS_ROTATED))
        assert await store.reseal(Resealing("s" * 32, "n" * 32), audit=new_entry(6, Action.SECRETS_RESEALED)) == 1
        assert [each.entry.action for each in await store.audit_log.entries_after(0, 10)] == [
            "USER_CREATED",
            "ROLE_GRANTED",
            "ROLE_REVOKED",
            "USER_DISABLED",
            "USER_ENABLED",
            "SIGNING_KEYS_ROTATED",
            "SECRETS_RESEALED",
        ]


async def a_change_that_fails_has_no_entry(open_store: OpenStore) -> None:
    ann = User(values.new_user_id(), "ann@example.com", "Ann", frozenset({Role.CUSTOMER}), NOW)
    async with open_store() as store:
        await store.add_user(ann, "hash")
        with pytest.raises(EmailExists):
            await store.add_user(
                User(values.new_user_id(), "ANN@example.com", "Ann", ann.roles, NOW), "hash", audit=new_entry()
            )
        key = KeyVault("s" * 32).create(NOW, NOW)
        assert not await store.replace_signing_keys({"unknown"}, key, (), audit=new_entry())
        assert await store.audit_log.entries_after(0, 10) == []


async def pages_and_filters_select_entries(open_store: OpenStore) -> None:
    async with open_store() as store:
        log = store.audit_log
        for number in range(6):
            await log.append(new_entry(number, Action.USER_ENABLED if number == 5 else Action.ROLE_GRANTED))

        async def positions(wanted: AuditFilter, page: PageRequest | None = None) -> list[int]:
            return [each.link.position for each in await log.page(wanted, page or PageRequest())]

        assert await positions(AuditFilter()) == [6, 5, 4, 3, 2, 1]
        assert await positions(AuditFilter(), PageRequest(2)) == [6, 5, 4]
        assert await positions(AuditFilter(), PageRequest(2, after=("4",))) == [3, 2, 1]
        assert await positions(AuditFilter(), PageRequest(2, before=("4",))) == [6, 5]
        assert await positions(AuditFilter(), PageRequest(1, backwards=True)) == [1, 2]
        assert await positions(AuditFilter(), PageRequest(9, before=("2",), backwards=True)) == [3, 4, 5, 6]
        assert await positions(AuditFilter(actor_id="actor 1")) == [6, 4, 2]
        assert await positions(AuditFilter(subject_id="user 2")) == [3]
        assert await positions(AuditFilter(action="USER_ENABLED")) == [6]
        assert await positions(AuditFilter(outcome="REFUSED")) == [4]
        within = AuditFilter(begin=NOW + timedelta(seconds=1), end=NOW + timedelta(seconds=3))
        assert await positions(within) == [3, 2]
        assert await log.count(within) == 2
        assert await log.count(AuditFilter()) == 6
        for strange in ("\x00", "\ud800", "' OR 1=1 --"):
            assert await positions(AuditFilter(actor_id=strange)) == []
            assert await log.count(AuditFilter(subject_id=strange)) == 0
        (newest,) = await log.page(AuditFilter(action="USER_ENABLED"), PageRequest())
        assert sort_key(newest) == ("6",)


async def the_first_key_is_kept(open_store: OpenStore) -> None:
    async with open_store() as one, open_store() as other:
        logs = [one.audit_log, other.audit_log] * 3
        kept = await asyncio.gather(*(log.keep_key(f"key {number}") for number, log in enumerate(logs)))
        assert len(set(kept)) == 1
        assert await one.audit_log.keep_key("later") == kept[0]


def operation(number: int, service: str = "account") -> OpenOperation:
    requested = new_entry(number, operation=f"{number:024x}")
    return OpenOperation(f"{number:024x}", service, f"resume {number}", requested.entry)


async def begun(store: AuthStore, number: int, service: str = "account") -> None:
    await store.audit_log.begin(operation(number, service), new_entry(number, operation=f"{number:024x}"))


async def operations_of_services_are_open_until_they_are_settled(open_store: OpenStore) -> None:
    async with open_store() as one, open_store() as other:
        for number, service in ((1, "account"), (2, "transaction"), (3, "account")):
            await begun(one, number, service)
            await begun(other, number, service)  # repeated, as after a lost response
        later = NOW + timedelta(seconds=60)
        assert await other.audit_log.open_operations("account", later, 10) == [operation(1), operation(3)]
        assert await other.audit_log.open_operations("account", later, 1) == [operation(1)]
        assert await other.audit_log.open_operations("account", NOW + timedelta(seconds=2), 10) == [operation(1)]

        settled = await asyncio.gather(
            *(store.audit_log.settle(f"{1:024x}", "account", outcome_of) for store in (one, other) for _ in range(3))
        )
        assert sorted(settled) == [False] * 5 + [True]
        assert not await one.audit_log.settle(f"{2:024x}", "account", outcome_of)  # of another service
        assert not await one.audit_log.settle(f"{9:024x}", "account", outcome_of)  # never begun
        assert await one.audit_log.open_operations("account", later, 10) == [operation(3)]

        stored = await one.audit_log.entries_after(0, 10)
        assert [each.entry for each in stored[:3]] == [operation(number).entry for number in (1, 2, 3)]
        assert [each.entry for each in stored[3:]] == [outcome_of(operation(1).entry).entry]
        assert first_broken(KEY, stored, Link())[0] is None


def outcome_of(requested: Entry) -> NewEntry:
    return NewEntry(KEY, replace(requested, outcome=Outcome.DONE))


CHECKS: Final[tuple[Callable[[OpenStore], Awaitable[None]], ...]] = (
    entries_form_one_chain,
    concurrent_entries_follow_each_other,
    every_change_of_users_and_keys_has_its_entry,
    a_change_that_fails_has_no_entry,
    pages_and_filters_select_entries,
    the_first_key_is_kept,
    operations_of_services_are_open_until_they_are_settled,
)
