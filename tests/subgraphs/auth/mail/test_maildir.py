from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from subgraphs.auth.mail.maildir import MaildirMailer
from subgraphs.auth.mail.mailer import MailerUnavailable
from tests.subgraphs.auth.mail.mailboxes import link_in, mails_in
from tests.subgraphs.auth.mail.test_letters import DATE, LETTERS, mail

if TYPE_CHECKING:
    from pathlib import Path


async def test_a_mail_program_finds_the_mails_which_nobody_else_can_read(tmp_path: Path) -> None:
    folder = tmp_path / "mail"
    for mail_id in ("a", "b"):
        await MaildirMailer(folder).send(LETTERS.write(mail(), mail_id, DATE))
    assert sorted(message["Message-ID"] for message in mails_in(folder)) == ["<a@bank.example>", "<b@bank.example>"]
    assert link_in(mails_in(folder)[0]).startswith("https://id.bank.example/account/reset?")
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_file()} == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.iterdir())} == {0o700}


async def test_a_mail_that_is_sent_again_is_in_the_mailbox_once(tmp_path: Path) -> None:
    mailer = MaildirMailer(tmp_path / "mail")
    await mailer.send(LETTERS.write(mail(), "a", DATE))
    (tmp_path / "mail" / "tmp" / "a.mosafe").write_text("half of a mai", encoding="ascii")
    await mailer.send(LETTERS.write(mail(), "a", DATE))
    (message,) = mails_in(tmp_path / "mail")
    assert link_in(message)
    assert list((tmp_path / "mail" / "tmp").iterdir()) == []


async def test_an_address_that_is_not_ascii_is_kept(tmp_path: Path) -> None:
    await MaildirMailer(tmp_path / "mail").send(LETTERS.write(mail(recipient="\u00e5nn@example.com"), "a", DATE))
    (message,) = mails_in(tmp_path / "mail")
    assert message["To"] == "\u00e5nn@example.com"


async def test_a_mailbox_that_cannot_be_written_is_tried_again(tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("not a folder", encoding="ascii")
    with pytest.raises(MailerUnavailable, match="cannot write to the mailbox"):
        await MaildirMailer(tmp_path / "mail").send(LETTERS.write(mail(), "a", DATE))
