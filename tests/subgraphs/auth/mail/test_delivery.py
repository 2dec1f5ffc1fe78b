"""Mails are sent in the background, at least once, with the same Message-ID.

Covers `subgraphs/auth/mail/delivery.py` and `subgraphs/auth/mail/opening.py`.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest
from structlog.testing import capture_logs

from subgraphs.auth.mail.delivery import CLAIM, MailDelivery, MailQueue
from subgraphs.auth.mail.letters import Mail, MailKind
from subgraphs.auth.mail.mailer import MailerUnavailable, MailRefused
from subgraphs.auth.mail.opening import delivering, open_queue
from subgraphs.auth.mail.outbox import SEALED_FOR
from subgraphs.auth.sealing import Sealer
from subgraphs.kit.background import in_background
from tests.subgraphs.auth.mail.mailboxes import link_in
from tests.subgraphs.auth.mail.smtp_server import Inbox, serving
from tests.subgraphs.auth.mail.test_letters import LETTERS, mail
from tests.subgraphs.auth.mail.test_settings import settings
from tests.subgraphs.auth.mail.test_smtp import plain
from tests.subgraphs.auth.store.test_postgres import opened as opened_in_postgresql
from tests.subgraphs.auth.store.test_sqlite import opened as opened_in_sqlite

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from subgraphs.auth.mail.delivery import Preparation
    from subgraphs.auth.mail.mailer import Envelope, Mailer
    from subgraphs.auth.mail.outbox import QueuedMail
    from tests.subgraphs.auth.store_contract import OpenStore

NOW: Final = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
SECRET: Final = "s" * 32


class Post:
    """A mailer whose failures a test chooses."""

    def __init__(self) -> None:
        self.sent: list[Envelope] = []
        self.failure: Exception | None = None

    async def send(self, envelope: Envelope) -> None:
        if self.failure is not None:
            raise self.failure
        self.sent.append(envelope)


class Office:
    """A queue and its delivery with a clock that a test sets."""

    def __init__(self, outbox: Any, mailer: Mailer, secret: str = SECRET, prepare: Preparation | None = None) -> None:
        self.now = NOW
        self.queue = MailQueue(outbox, Sealer(secret, SEALED_FOR), lambda: self.now)
        prepared = {} if prepare is None else {MailKind.PASSWORD_RESET: prepare}
        self.delivery = MailDelivery(self.queue, letters=LETTERS, mailer=mailer, preparations=prepared)

    async def pass_time(self, **time: float) -> None:
        self.now += timedelta(**time)
        await self.delivery.send_due()


@pytest.fixture(params=["sqlite", "postgresql"])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> OpenStore:
    if request.param == "sqlite":
        return lambda: opened_in_sqlite(tmp_path / "auth.sqlite3")
    url = request.getfixturevalue("postgres_url")
    return lambda: opened_in_postgresql(url)


@asynccontextmanager
async def office(open_store: OpenStore, prepare: Preparation | None = None) -> AsyncIterator[tuple[Office, Post]]:
    post = Post()
    async with open_store() as store:
        yield Office(store.mails, post, prepare=prepare), post


async def test_a_mail_is_sent_once_and_then_forgotten(open_store: OpenStore) -> None:
    async with office(open_store) as (office_, post):
        await office_.queue.add(mail())
        for _ in range(2):
            await office_.pass_time(minutes=5)
    (envelope,) = post.sent
    assert envelope.recipient == "ann@example.com"
    assert link_in(envelope.message).endswith("token=a-token_1")


async def test_a_mail_survives_a_crash_between_commit_and_send(open_store: OpenStore) -> None:
    """The process dies when the server has accepted the mail, and before the outbox knows."""

    class Crash(BaseException):
        pass

    async with serving(Inbox()) as inbox:
        accepted = plain(inbox)

        class Dying:
            async def send(self, envelope: Envelope) -> None:
                await accepted.send(envelope)
                raise Crash

        async with open_store() as store:
            dying = Office(store.mails, Dying())
            await dying.queue.add(mail())
            with pytest.raises(Crash):
                await dying.delivery.send_due()
        async with open_store() as store:
            restarted = Office(store.mails, accepted)
            await restarted.delivery.send_due()
            assert len(inbox.messages) == 1, "the claim of the dead process has not ended"
            await restarted.pass_time(seconds=CLAIM.total_seconds())
            await restarted.pass_time(hours=1)
    first, second = inbox.messages
    assert first["Message-ID"] == second["Message-ID"]
    assert first["Date"] == second["Date"]
    assert link_in(first) == link_in(second)


async def test_a_mail_that_is_committed_and_not_claimed_is_sent_by_the_next_process(open_store: OpenStore) -> None:
    async with office(open_store) as (office_, _):
        await office_.queue.add(mail())
    async with office(open_store) as (office_, post):
        await office_.delivery.send_due()
    assert len(post.sent) == 1


async def test_a_mail_waits_longer_after_each_failure_until_it_expires(open_store: OpenStore) -> None:
    async with office(open_store) as (office_, post):
        post.failure = MailerUnavailable("down")
        await office_.queue.add(mail())
        with capture_logs() as logs:
            await office_.delivery.send_due()
            for seconds in (29, 1, 59, 1, 119, 1):  # due after 30, 60 and 120 seconds
                await office_.pass_time(seconds=seconds)
        assert [entry["attempts"] for entry in logs] == [1, 2, 3, 4]
        assert {entry["reason"] for entry in logs} == {"down"}
        post.failure = None
        with capture_logs() as logs:
            await office_.pass_time(minutes=30)
        assert [entry["event"] for entry in logs] == ["mail expired before it could be sent"]
        await office_.pass_time(hours=5)
    assert post.sent == []


async def test_a_refused_mail_is_dropped(open_store: OpenStore) -> None:
    async with office(open_store) as (office_, post):
        post.failure = MailRefused("no such mailbox")
        await office_.queue.add(mail())
        with capture_logs() as logs:
            await office_.delivery.send_due()
        post.failure = None
        await office_.pass_time(minutes=10)
    assert [entry["log_level"] for entry in logs] == ["error"]
    assert post.sent == []


async def test_a_mail_of_another_secret_waits_for_a_process_that_has_it(open_store: OpenStore) -> None:
    """As while AUTH_JWT_SECRET is replaced beside a running service."""
    async with open_store() as store:
        post, restarted = Post(), Post()
        other = Office(store.mails, restarted, secret="o" * 32)
        await other.queue.add(mail())
        with capture_logs() as logs:
            await Office(store.mails, post).delivery.send_due()
        await other.pass_time(minutes=10)
    assert "AUTH_JWT_SECRET" in logs[0]["reason"]
    assert (post.sent, len(restarted.sent)) == ([], 1)


async def test_a_mistake_in_one_mail_does_not_stop_the_others(open_store: OpenStore) -> None:
    async def break_bob(wanted: Mail, _queued: QueuedMail) -> Mail | None:
        if wanted.recipient.startswith("bob"):
            raise KeyError(wanted.kind)
        return wanted

    async with office(open_store, break_bob) as (office_, post):
        for name in ("ann", "bob", "cem"):
            await office_.queue.add(mail(recipient=f"{name}@example.com"))
        with pytest.raises(KeyError):
            await office_.delivery.send_due()
    assert sorted(envelope.recipient for envelope in post.sent) == ["ann@example.com", "cem@example.com"]


async def test_a_preparation_replaces_a_mail_or_drops_it(open_store: OpenStore) -> None:
    async def prepare(wanted: Mail, queued: QueuedMail) -> Mail | None:
        assert queued.queued_at == NOW
        return None if wanted.recipient.startswith("bob") else mail(recipient="other@example.com")

    async with office(open_store, prepare) as (office_, post):
        for name in ("ann", "bob"):
            await office_.queue.add(mail(recipient=f"{name}@example.com"))
        for _ in range(2):
            await office_.pass_time(minutes=5)
    assert [envelope.recipient for envelope in post.sent] == ["other@example.com"]


async def test_more_mails_than_are_sent_together_are_sent_in_one_call(open_store: OpenStore) -> None:
    async with office(open_store) as (office_, post):
        for number in range(25):
            await office_.queue.add(mail(recipient=f"u{number}@example.com"))
        await office_.delivery.send_due()
    assert len(post.sent) == 25


def contents(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in folder.iterdir()]


async def test_a_stored_mail_shows_neither_its_address_nor_its_link(tmp_path: Path) -> None:
    async with opened_in_sqlite(tmp_path / "auth.sqlite3") as store:
        await Office(store.mails, Post()).queue.add(mail())
        files = contents(tmp_path)
    for secret in (b"ann@example", b"a-token_1", b"password-reset"):
        assert not any(secret in content for content in files)


async def test_a_queued_mail_is_sent_at_once_in_the_background(tmp_path: Path) -> None:
    """Without the wake-up, this test would take the time of a poll for each mail, and fail by its timeout."""
    async with serving(Inbox()) as inbox, opened_in_sqlite(tmp_path / "auth.sqlite3") as store:
        office_ = Office(store.mails, plain(inbox))
        async with in_background(office_.delivery.run()):
            for number in range(1, 9):
                await office_.queue.add(mail())
                await inbox.until(number)


async def test_the_delivery_of_the_settings_uses_their_server(tmp_path: Path) -> None:
    async with serving(Inbox()) as inbox, opened_in_sqlite(tmp_path / "auth.sqlite3") as store:
        environ = {
            "AUTH_SMTP_URL": f"smtp+plain://127.0.0.1:{inbox.port}",
            "AUTH_PUBLIC_URL": "https://id.test",
            "AUTH_MAIL_FROM": "Bank <no-reply@bank.test>",
        }
        found = settings(tmp_path, **environ)
        queue = open_queue(found, store.mails, lambda: datetime.now(UTC))
        async with delivering(found, queue, {}):
            await queue.add(mail())
            await inbox.until(1)
    (message,) = inbox.messages
    assert message["From"] == "Bank <no-reply@bank.test>"
    assert link_in(message).startswith("https://id.test/account/reset")


async def test_a_request_does_not_wait_for_the_mail_server(tmp_path: Path) -> None:
    """`add` returns while the mailer never does."""
    reached = asyncio.Event()

    class Stuck:
        async def send(self, envelope: Envelope) -> None:
            del envelope
            reached.set()
            await asyncio.Event().wait()

    async with opened_in_sqlite(tmp_path / "auth.sqlite3") as store:
        office_ = Office(store.mails, Stuck())
        async with in_background(office_.delivery.run()):
            await office_.queue.add(mail())
            await reached.wait()
            await office_.queue.add(mail())
