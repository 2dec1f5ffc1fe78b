"""Files that do not belong together, or are not valid now, are refused with the file that is wrong."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from mosafe.certificates.issuing import Authority, Issued, Subject, now
from servicekit.tls.files import TlsFiles, UnusableTlsFile, check_files, stamp_of
from tests.certificates import HOUR, TestAuthority, long_ago

if TYPE_CHECKING:
    from pathlib import Path

ANN = "spiffe://test/ann"


@pytest.fixture
def authority(tmp_path: Path) -> TestAuthority:
    return TestAuthority(tmp_path)


def test_files_that_belong_together_are_accepted(authority: TestAuthority) -> None:
    facts = check_files(authority.files("ann"))
    assert facts.identity == ANN
    assert facts.validity.not_before <= now()
    assert facts.validity.not_after - now() <= HOUR
    assert [each.not_after > facts.validity.not_after for each in facts.authorities] == [True]


def test_an_authority_of_a_rotation_may_be_the_old_or_the_new_one(authority: TestAuthority, tmp_path: Path) -> None:
    files = authority.files("ann")
    other = TestAuthority(tmp_path / "other").authority.issued.certificate_pem
    own = files.authorities.read_text()
    for bundle in (own + other, other + own):
        files.authorities.write_text(bundle)
        assert check_files(files).identity == ANN


def expired(authority: TestAuthority, _folder: Path) -> TlsFiles:
    return authority.write("ann", authority.expired(ANN))


def not_yet_valid(authority: TestAuthority, _folder: Path) -> TlsFiles:
    later = Authority(authority.authority.issued, lambda: now() + timedelta(days=1))
    return authority.write("ann", later.issue(Subject(ANN), HOUR))


def foreign(authority: TestAuthority, folder: Path) -> TlsFiles:
    other = TestAuthority(folder / "other")
    return authority.write("ann", other.issue(ANN), trust=authority)


def key_of_another(authority: TestAuthority, _folder: Path) -> TlsFiles:
    files, other = authority.files("ann"), authority.files("bob")
    return files._replace(key=other.key)


def key_open_to_others(authority: TestAuthority, _folder: Path) -> TlsFiles:
    files = authority.files("ann")
    files.key.chmod(0o640)
    return files


def no_key(authority: TestAuthority, _folder: Path) -> TlsFiles:
    files = authority.files("ann")
    files.key.write_text("no key")
    return files


def missing(authority: TestAuthority, folder: Path) -> TlsFiles:
    return authority.files("ann")._replace(certificate=folder / "none.pem")


def not_pem(authority: TestAuthority, _folder: Path) -> TlsFiles:
    files = authority.files("ann")
    files.authorities.write_bytes(b"\xff")
    return files


def expired_authority(authority: TestAuthority, folder: Path) -> TlsFiles:
    old = TestAuthority(folder / "old", Authority.create("test", HOUR, clock=long_ago))
    return authority.write("ann", authority.issue(ANN), trust=old)


def other_scheme(authority: TestAuthority, _folder: Path) -> TlsFiles:
    return authority.write("ann", authority.issue("https://test/ann"))


@pytest.mark.parametrize(
    ("spoil", "role", "problem"),
    [
        (expired, "certificate", "cert.pem has expired on "),
        (not_yet_valid, "certificate", "cert.pem is valid only from "),
        (foreign, "certificate", "cert.pem does not come from an authority in "),
        (other_scheme, "certificate", "must have one URI name that begins with spiffe://"),
        (missing, "certificate", "none.pem: No such file or directory"),
        (key_of_another, "key", "key.pem belongs to another certificate"),
        (key_open_to_others, "key", "is open to other users (mode 0640): chmod 600 "),
        (no_key, "key", "key.pem has no private key in PEM format without a password"),
        (not_pem, "authorities", "ca.pem has no certificate in PEM format"),
        (expired_authority, "authorities", "ca.pem has expired, the last on "),
    ],
)
def test_the_wrong_file_is_named(
    authority: TestAuthority, tmp_path: Path, spoil: object, role: str, problem: str
) -> None:
    assert callable(spoil)
    with pytest.raises(UnusableTlsFile) as caught:
        check_files(spoil(authority, tmp_path))
    assert caught.value.role == role
    assert problem in caught.value.problem


def test_a_stamp_changes_with_each_file(authority: TestAuthority) -> None:
    files = authority.files("ann")
    seen = {stamp_of(files)}
    for path in files:
        draft = path.with_suffix(".new")
        draft.write_bytes(path.read_bytes())
        draft.replace(path)
        seen.add(stamp_of(files))
    files.key.unlink()
    seen.add(stamp_of(files))
    assert len(seen) == len(files) + 2


def test_a_chain_with_an_intermediate_authority_is_accepted(authority: TestAuthority) -> None:
    root, middle = authority.authority, Authority.create("test", HOUR)
    signed = _signed_by(root, middle.issued)
    leaf = Authority(signed).issue(Subject(ANN), HOUR)
    files = authority.write("ann", leaf)
    with pytest.raises(UnusableTlsFile, match="does not come from an authority"):
        check_files(files)
    files.certificate.write_text(leaf.certificate_pem + signed.certificate_pem)
    assert check_files(files).identity == ANN


def _signed_by(root: Authority, middle: Issued) -> Issued:
    own = middle.certificate
    builder = (
        x509.CertificateBuilder(root.issued.certificate.subject, own.subject, own.public_key(), own.serial_number)
        .not_valid_before(own.not_valid_before_utc)
        .not_valid_after(own.not_valid_after_utc)
    )
    for extension in own.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    return Issued(builder.sign(root.issued.key, SHA256()), middle.key)
