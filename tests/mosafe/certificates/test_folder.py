"""The folder of certificates: issue, renew, and replace the authority without a moment in which nobody is trusted.

Covers `mosafe/certificates/issuing.py`, `mosafe/certificates/keeping.py`, `mosafe/certificates/process_folder.py`
and `mosafe/certificates/commands.py`.
"""

from __future__ import annotations

import json
import os
import stat
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from bank.topology import load_topology
from mosafe.certificates.commands import command
from mosafe.certificates.folder import AUTHORITY_LIFETIME, CERTIFICATE_LIFETIME, CertificateFolder
from mosafe.certificates.issuing import BACKDATED, Subject, now, subject_of
from mosafe.certificates.keeping import complete, continue_rotation
from mosafe.secret_files import Owner
from servicekit.errors import StartupError
from servicekit.tls.files import UnusableTlsFile, check_files

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Clock:
    def __init__(self) -> None:
        self.at = now()

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def folder(tmp_path: Path, clock: Clock) -> CertificateFolder:
    folder = CertificateFolder(tmp_path / "certs", clock=clock)
    folder.init()
    return folder


@pytest.mark.parametrize("name", load_topology().processes)
def test_each_process_gets_a_certificate_with_its_identity_and_hosts(folder: CertificateFolder, name: str) -> None:
    issued = folder.issue(name)
    facts = check_files(folder.files(name))
    subject = subject_of(issued.certificate)
    assert facts.identity == subject.identity == f"spiffe://mosafe/{name}"
    assert {name, "localhost", *load_topology().process(name).hosts} == set(subject.dns_names)
    assert subject.addresses == ("127.0.0.1", "::1")
    assert facts.validity.not_after - facts.validity.not_before == CERTIFICATE_LIFETIME + BACKDATED


def test_no_other_user_can_open_a_file(folder: CertificateFolder) -> None:
    folder.issue("auth")
    for path in (folder.path, *folder.path.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_a_certificate_is_due_after_two_thirds_of_its_lifetime(folder: CertificateFolder, clock: Clock) -> None:
    folder.issue("auth", timedelta(hours=24), Subject("", ("auth.example",)))
    folder.issue("rest")
    assert folder.renew_due() == ()
    clock.at += timedelta(hours=17)
    assert [(entry.name, entry.state) for entry in folder.certificates()] == [("auth", "due"), ("rest", "valid")]
    before = check_files(folder.files("auth"))
    assert folder.renew_due() == ("auth",)
    after = check_files(folder.files("auth"), now=clock.at)
    assert after.validity.not_after - before.validity.not_after == timedelta(hours=17)
    assert "auth.example" in subject_of(folder.certificates()[0].certificate).dns_names
    clock.at += timedelta(days=8)
    assert [entry.state for entry in folder.certificates()] == ["expired", "expired"]
    assert folder.renew_due() == ("auth", "rest")


def test_a_rotation_keeps_every_certificate_trusted(folder: CertificateFolder, clock: Clock) -> None:
    folder.issue("auth")
    old_bundle = folder.files("auth").authorities.read_text()
    folder.begin_rotation()
    both = folder.files("auth").authorities.read_text()
    assert both.count("BEGIN CERTIFICATE") == 2
    assert both.startswith(old_bundle)
    old = check_files(folder.files("auth"))  # the old certificate, which the new bundle trusts
    clock.at += timedelta(hours=1)
    assert folder.switch_authority() == ("auth",)
    assert check_files(folder.files("auth"), now=clock.at).validity.not_after == old.validity.not_after + timedelta(
        hours=1
    )
    assert folder.rotation == "switched"
    folder.finish_rotation()
    assert check_files(folder.files("auth"), now=clock.at)
    bundle = folder.files("auth").authorities
    assert bundle.read_text().count("BEGIN CERTIFICATE") == 1
    bundle.write_text(old_bundle)
    with pytest.raises(UnusableTlsFile, match="does not come from an authority"):
        check_files(folder.files("auth"), now=clock.at)


def test_a_folder_completes_and_rotates_itself(folder: CertificateFolder, clock: Clock) -> None:
    """Each process trusts the certificates of all others at each moment, and reads one folder only."""
    names = tuple(load_topology().processes)
    assert complete(folder) == names
    assert complete(folder) == ()
    assert not continue_rotation(folder)
    assert complete(folder, Subject("", ("bank.example",))) == names
    folder.issue("auth", timedelta(hours=1))
    clock.at += timedelta(hours=1)
    assert complete(folder) == ("auth",)
    clock.at += AUTHORITY_LIFETIME * 0.7
    first = folder.authorities()[0].certificate.serial_number
    for authorities in (2, 2, 1):
        assert continue_rotation(folder)
        complete(folder)
        assert len(folder.authorities()) == authorities
        for name in names:
            facts = check_files(folder.files(name)._replace(authorities=folder.files("rest").authorities), now=clock.at)
            assert facts.identity == f"spiffe://mosafe/{name}"
    assert folder.authorities()[0].certificate.serial_number != first
    assert not continue_rotation(folder)


def test_keep_creates_everything_and_touches_a_file_when_something_is_new(tmp_path: Path) -> None:
    watched, certificates = tmp_path / "tls.yml", tmp_path / "certs"
    watched.touch()
    options = ["keep", "--once", "--dir", str(certificates), "--touch", str(watched), "--dns", "bank.example"]

    def is_touched(*more: str) -> bool:
        os.utime(watched, (0, 0))
        result = CliRunner().invoke(command, [*options, *more], catch_exceptions=False)
        assert result.exit_code == 0
        return watched.stat().st_mtime > 0

    assert is_touched()
    assert not is_touched()
    assert is_touched("--ip", "192.0.2.1")
    CertificateFolder(certificates).begin_rotation()
    assert is_touched()
    assert is_touched()
    assert not is_touched()
    check = ["list", "--check", "--dir", str(certificates)]
    assert CliRunner().invoke(command, check).exit_code == 0
    (certificates / "rest" / "cert.pem").unlink()
    assert isinstance(CliRunner().invoke(command, check).exception, StartupError)


def test_a_name_that_gets_a_public_certificate_leaves_all_others(tmp_path: Path) -> None:
    certificates = tmp_path / "certs"

    def issued(*options: str) -> str:
        arguments = ["keep", "--once", "--dir", str(certificates), "--dns", "bank.example", "--dns", "b.example"]
        result = CliRunner().invoke(command, [*arguments, *options], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    def names() -> set[str]:
        entries = CertificateFolder(certificates).certificates()
        return {name for entry in entries for name in subject_of(entry.certificate).dns_names}

    issued()
    assert {"bank.example", "b.example"} < names()
    assert issued("--public-dns", "bank.example").startswith("issued certificates: ")
    assert "bank.example" not in names()
    assert "b.example" in names()
    assert issued("--public-dns", "bank.example") == ""
    # What Docker Compose gives if there is no public certificate.
    issued("--public-dns=")
    assert "bank.example" in names()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files to others")
def test_the_owner_gets_the_folders_of_processes_alone(tmp_path: Path) -> None:
    folder = CertificateFolder(tmp_path / "certs", owner=Owner(10001, 10002))
    complete(folder)
    folder.issue("auth")
    for path in (folder.path / "auth", *(folder.path / "auth").iterdir()):
        assert (path.stat().st_uid, path.stat().st_gid) == (10001, 10002)
    for path in (folder.path, folder.path / "authorities", *(folder.path / "authorities").iterdir()):
        assert path.stat().st_uid == 0


def test_an_interrupted_switch_is_completed_by_the_next_one(folder: CertificateFolder) -> None:
    folder.issue("auth")
    folder.begin_rotation()
    authorities = folder.path / "authorities"
    (authorities / "next.key").replace(authorities / "current.key")  # then, the process was killed
    with pytest.raises(StartupError, match="if a rotation was interrupted, complete it: mosafe certs rotate"):
        folder.issue("rest")
    assert folder.switch_authority() == ("auth",)
    assert check_files(folder.files("auth"))
    folder.finish_rotation()


def test_the_old_authority_stays_while_a_certificate_comes_from_it(folder: CertificateFolder) -> None:
    folder.issue("auth")
    old = {path: path.read_bytes() for path in folder.files("auth")[:2]}
    folder.begin_rotation()
    folder.switch_authority()
    for path, content in old.items():
        path.write_bytes(content)
    with pytest.raises(StartupError, match="auth still comes from the previous authority; renew it first"):
        folder.finish_rotation()


def test_a_certificate_is_not_valid_for_longer_than_its_authority(folder: CertificateFolder, clock: Clock) -> None:
    clock.at += AUTHORITY_LIFETIME - timedelta(days=1)
    issued = folder.issue("auth")
    assert issued.certificate.not_valid_after_utc == clock.at + timedelta(days=1)
    folder.begin_rotation()
    folder.switch_authority()
    (entry,) = folder.certificates()
    assert entry.certificate.not_valid_after_utc == clock.at + CERTIFICATE_LIFETIME


def test_an_expired_authority_issues_nothing_and_can_be_replaced(folder: CertificateFolder, clock: Clock) -> None:
    clock.at += AUTHORITY_LIFETIME
    with pytest.raises(StartupError, match=r"has expired on .*; replace it: mosafe certs rotate"):
        folder.issue("auth")
    folder.begin_rotation()
    folder.switch_authority()
    folder.issue("auth")
    assert check_files(folder.files("auth"), now=clock.at)


def test_mistakes_are_reported_with_what_to_do(folder: CertificateFolder, tmp_path: Path) -> None:
    empty = CertificateFolder(tmp_path / "empty")
    cases: dict[str, Callable[[], object]] = {
        "has an authority already; to replace it: mosafe certs rotate": folder.init,
        "there is no process 'atuh'; there are traefik": lambda: folder.issue("atuh"),
        "has no authority yet; create it with: mosafe certs init": lambda: empty.issue("auth"),
        "no rotation has begun": folder.switch_authority,
        "there is no previous authority": folder.finish_rotation,
        "cannot read the certificate .*: No such file": lambda: folder.renew("auth"),
    }
    for message, action in cases.items():
        with pytest.raises(StartupError, match=message):
            action()
    folder.begin_rotation()
    with pytest.raises(StartupError, match="a rotation has begun already"):
        folder.begin_rotation()
    folder.switch_authority()
    with pytest.raises(StartupError, match="the last rotation is not complete"):
        folder.begin_rotation()
    key = folder.path / "authorities" / "current.key"
    key.chmod(0o644)
    with pytest.raises(StartupError, match=r"is open to other users \(mode 0644\): chmod 600 "):
        folder.issue("auth")
    key.chmod(0o600)
    key.write_text("no key")
    with pytest.raises(StartupError, match="cannot read the authority"):
        folder.issue("auth")


def test_the_commands(tmp_path: Path) -> None:
    def run(*arguments: str) -> str:
        return CliRunner().invoke(command, [*arguments, "--dir", str(tmp_path)], catch_exceptions=False).output

    assert run("list") == f"{tmp_path} has no certificates; begin with: mosafe certs init\n"
    assert "valid for 30 days" in run("init", "--days", "30")
    assert run("issue", "auth", "rest", "--hours", "24", "--ip", "10.0.0.7", "--dns", "a.example").count("valid") == 2
    auth = CertificateFolder(tmp_path).certificates()[0]
    assert {"10.0.0.7", "a.example"} <= {
        *subject_of(auth.certificate).addresses,
        *subject_of(auth.certificate).dns_names,
    }
    assert run("issue", "--due") == "no certificate is due\n"
    assert "continue with: mosafe certs rotate" in run("rotate", "--begin")
    assert "issued the certificates of auth, rest" in run("rotate")
    roles = [entry["name"] for entry in json.loads(run("list", "--json"))]
    assert roles == ["authority (current)", "authority (previous)", "auth", "rest"]
    assert "not trusted any more" in run("rotate", "--finish")
    rows = json.loads(run("list", "--json"))
    assert [row["identity"] for row in rows] == [None, "spiffe://mosafe/auth", "spiffe://mosafe/rest"]
    assert {row["state"] for row in rows} == {"valid"}
    assert all(row["notBefore"] < row["renewAt"] < row["notAfter"] for row in rows)
    assert run("list").splitlines()[1].startswith("auth                 valid    expires 2")
    assert "issued the certificates of auth, rest" in run("rotate")  # both steps at once
    assert run("issue", "--all").count("valid until") == len(load_topology().processes)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["issue"], "name the processes, or use --all or --due"),
        (["issue", "--due", "auth"], "--due chooses the processes itself"),
        (["issue", "auth", "--ip", "x"], "'x' does not appear to be an IPv4 or IPv6 address"),
        (["keep", "--once", "--public-dns", "localhost"], "no public authority issues a certificate for localhost"),
    ],
)
def test_wrong_options_are_refused(tmp_path: Path, arguments: list[str], message: str) -> None:
    result = CliRunner().invoke(command, [*arguments, "--dir", str(tmp_path)])
    assert result.exit_code == 2
    assert message in result.output
