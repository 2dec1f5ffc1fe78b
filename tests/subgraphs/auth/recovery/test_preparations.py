"""Whom the mails with links go to, and that a request for a reset tells nobody who is a user.

Covers `subgraphs/auth/recovery/preparations.py`.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import argon2

from servicekit.rate_limits import MemoryRateLimitStore
from subgraphs.auth.action_limits import ActionLimits
from subgraphs.auth.attempts import Origin
from subgraphs.auth.identity_service import GuardedPasswords
from subgraphs.auth.limit_table import LimitTable
from subgraphs.auth.login_limits import LoginLimits
from subgraphs.auth.mail.delivery import MailQueue
from subgraphs.auth.mail.letters import Mail, MailKind
from subgraphs.auth.mail.outbox import SEALED_FOR, QueuedMail
from subgraphs.auth.password_hashing import PasswordHasher
from subgraphs.auth.recovery.links import Purpose
from subgraphs.auth.recovery.preparations import LinkPreparations
from subgraphs.auth.recovery.service import RecoveryParts, RecoveryService
from subgraphs.auth.sealing import Sealer
from subgraphs.auth.tokens import digest
from tests.subgraphs.auth.store.test_sqlite import opened
from tests.subgraphs.auth.store_contract import HASH, NOW, user

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import pytest

    from subgraphs.auth.domain import User
    from subgraphs.auth.store.protocol import AuthStore

QUEUED: Final = QueuedMail("id1", b"sealed", NOW, NOW + timedelta(minutes=30))
ORIGIN: Final = Origin("198.51.100.7", has_address_limits=True)


@asynccontextmanager
async def store_with(tmp_path: Path, *users: User) -> AsyncIterator[AuthStore]:
    async with opened(tmp_path / "auth.sqlite3") as store:
        for each in users:
            await store.add_user(each, HASH)
        yield store


def preparations(store: AuthStore) -> LinkPreparations:
    return LinkPreparations(store, lambda: NOW)


def reset(email: str) -> Mail:
    return Mail(MailKind.PASSWORD_RESET, email, {"token": "a-token"})


async def test_nobody_gets_a_mail_at_an_address_that_no_user_has(tmp_path: Path) -> None:
    ann = user()
    async with store_with(tmp_path, ann) as store:
        assert await preparations(store).password_reset(reset("nobody@example.com"), QUEUED) is None
        await store.disable(ann.id, NOW)
        assert await preparations(store).password_reset(reset(ann.email), QUEUED) is None


async def test_a_reset_goes_to_the_stored_address_not_to_one_that_looks_like_it(tmp_path: Path) -> None:
    """The Kelvin sign is `k` in lower case, so the look-alike has the key of the user."""
    kim = user("kim@example.com")
    async with store_with(tmp_path, kim) as store:
        sent = await preparations(store).password_reset(reset("\u212aim@example.com"), QUEUED)
        assert sent == reset("kim@example.com")
        found = await store.recovery.find(digest("a-token"), (Purpose.RESET_PASSWORD,), NOW)
        assert found is not None
        assert found.user == kim


async def test_a_mail_that_is_prepared_twice_has_the_same_link(tmp_path: Path) -> None:
    ann = user()
    async with store_with(tmp_path, ann) as store:
        for _ in range(2):
            assert await preparations(store).password_reset(reset(ann.email), QUEUED) == reset(ann.email)
        assert await store.recovery.reset_password(digest("a-token"), "$new", NOW + timedelta(seconds=1), [])
        assert await preparations(store).password_reset(reset(ann.email), QUEUED) is None


async def test_a_verification_is_dropped_when_it_is_not_needed_any_more(tmp_path: Path) -> None:
    ann = user()
    mail = Mail(MailKind.EMAIL_VERIFICATION, ann.email, {"token": "a-token", "user_id": ann.id})
    async with store_with(tmp_path, ann) as store:
        prepare = preparations(store).email_verification
        assert await prepare(replace(mail, recipient="old@example.com"), QUEUED) is None
        assert await prepare(replace(mail, facts={**mail.facts, "user_id": "nobody"}), QUEUED) is None
        assert await prepare(mail, QUEUED) == mail
        await store.recovery.verify_email(digest("a-token"), NOW)
        assert await prepare(replace(mail, facts={**mail.facts, "token": "other"}), QUEUED) is None


async def test_a_change_of_the_address_is_dropped_when_the_address_has_changed_since(tmp_path: Path) -> None:
    ann = user()
    facts = {"token": "a-token", "user_id": ann.id, "email": ann.email}
    mail = Mail(MailKind.EMAIL_CHANGE, "new@example.com", facts)
    async with store_with(tmp_path, ann) as store:
        prepare = preparations(store).email_change
        assert await prepare(replace(mail, facts={**facts, "email": "old@example.com"}), QUEUED) is None
        assert await prepare(mail, QUEUED) == mail


async def test_a_request_for_a_reset_does_the_same_for_users_and_strangers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both store one mail of the same size, and neither looks for a user, hashes a password, or waits for a mail."""
    hashes: list[str] = []
    for name in ("hash", "verify"):
        monkeypatch.setattr(argon2.PasswordHasher, name, lambda *_: hashes.append("hash"))
    async with store_with(tmp_path, user("ann@example.com")) as store:
        reads: list[str] = []

        async def refused(*_: object) -> Any:
            reads.append("read")

        monkeypatch.setattr(store, "credentials", refused)
        monkeypatch.setattr(store, "users", refused)
        counts = MemoryRateLimitStore()
        with PasswordHasher() as hasher:
            hashes.clear()
            service = RecoveryService(
                RecoveryParts(
                    store,
                    GuardedPasswords(hasher, LoginLimits(counts, LimitTable())),
                    ActionLimits(counts, LimitTable()),
                    MailQueue(store.mails, Sealer("s" * 32, SEALED_FOR), lambda: NOW),
                    None,  # type: ignore[arg-type]  # no session ends
                    lambda: NOW,
                    timedelta(minutes=10),
                )
            )
            stored = []
            for email in ("ann@example.com", "bob@example.com"):
                await service.request_password_reset(email, ORIGIN)
                stored.append([len(each.mail.sealed) for each in await store.mails.claim(NOW, NOW, 10)])
                for each in await store.mails.claim(NOW, NOW, 10):
                    await store.mails.remove(each.mail.id)
        assert stored[0] == stored[1]
        assert len(stored[0]) == 1
        assert (reads, hashes) == ([], [])
