"""`CertificateFolder`: the authorities and certificates of the platform, in a folder that only this user can open.

```
certs/
  ca.pem                        the trusted authorities: one, or two while an authority is replaced
  authorities/current.crt .key  the authority that issues certificates
  authorities/next.crt .key     an authority that is trusted, but does not issue certificates yet
  authorities/previous.crt      an authority that is still trusted, but does not issue certificates any more
  auth/cert.pem  auth/key.pem   the certificate of a process and its private key; one folder for each process
  auth/ca.pem                   a copy of ca.pem, so that this folder is all that a process needs
```

A file is replaced as a whole: processes that read it get either the old content or the new one. Processes look at their
files before each handshake (`servicekit.tls.contexts`), so they need no restart.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from bank.topology import load_topology
from mosafe.certificates.issuing import BACKDATED, Authority, Issued, Subject, now, subject_of
from mosafe.certificates.process_folder import ProcessFolder, make_folder, write_file
from servicekit.errors import StartupError
from servicekit.private_files import read_private_file, replace_private_file
from servicekit.tls.files import TlsFiles

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from mosafe.secret_files import Owner

AUTHORITY_LIFETIME: Final = timedelta(days=365)
"""How long an authority is valid. It is replaced by hand, so its lifetime is long."""

CERTIFICATE_LIFETIME: Final = timedelta(days=7)
"""How long the certificate of a process is valid. A stolen one is useful for at most this time, because there is no
list of revoked certificates."""

# A certificate is renewed after two thirds of its lifetime. So there is time for repairs if a renewal fails.
_USED_BEFORE_RENEWAL: Final = 2 / 3

# A process on this machine is found under these names too.
LOCAL_NAMES: Final = ("localhost",)
_LOCAL_ADDRESSES: Final = ("127.0.0.1", "::1")

State = Literal["valid", "due", "expired"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A certificate in the list of `mosafe certs list`.

    Attributes:
        name: the process, or `authority` with its role.
        path: the file of the certificate.
        certificate: the certificate.
        state: `due` means that two thirds of its lifetime are over.
        renew_at: when it becomes due.
    """

    name: str
    path: Path
    certificate: x509.Certificate
    state: State
    renew_at: datetime


class CertificateFolder:
    """The certificates of one platform."""

    def __init__(self, path: Path, *, clock: Callable[[], datetime] = now, owner: Owner | None = None) -> None:
        """`clock` returns the time in UTC. `owner` gets the folders of the processes; None for this user."""
        self.path = path
        self._clock = clock
        self._owner = owner
        self._current = path / "authorities" / "current.crt"
        self._next = path / "authorities" / "next.crt"
        self._previous = path / "authorities" / "previous.crt"

    @property
    def has_authority(self) -> bool:
        return self._current.exists()

    @property
    def rotation(self) -> Literal["none", "begun", "switched"]:
        """How far the replacement of the authority is."""
        if self._next.exists():
            return "begun"
        return "switched" if self._previous.exists() else "none"

    def files(self, process: str) -> TlsFiles:
        """Return the files for the variables `MOSAFE_TLS_*` of a process."""
        folder = (self.path / process).absolute()
        return TlsFiles(folder / "cert.pem", folder / "key.pem", folder / "ca.pem")

    def init(self, lifetime: timedelta = AUTHORITY_LIFETIME) -> None:
        """Create the folder and its first authority.

        Raises:
            StartupError: there is an authority already, or the folder cannot be created.
        """
        if self.has_authority:
            raise StartupError(f"{self.path} has an authority already; to replace it: mosafe certs rotate")
        self._create_authority(self._current, lifetime)

    def issue(self, process: str, lifetime: timedelta = CERTIFICATE_LIFETIME, further: Subject | None = None) -> Issued:
        """Issue a certificate for a process of the topology, and replace its files.

        `further` has names and addresses in addition to the names of the topology and of this machine.

        Raises:
            StartupError: there is no such process or no authority, the authority has expired, or a file cannot be
                written.
        """
        issued = self._issuing_authority().issue(_subject(process, further), lifetime)
        self._write_certificate(process, issued)
        return issued

    def renew(self, process: str) -> Issued:
        """Issue the certificate of a process again, with the same names and the same lifetime.

        A certificate that ended together with its authority is issued with the default lifetime.

        Raises:
            StartupError: as `issue`; or the process has no certificate.
        """
        old = _read_certificate(self.path / process / "cert.pem")
        end = old.not_valid_after_utc
        is_shortened = any(end == each.certificate.not_valid_after_utc for each in self.authorities())
        lifetime = CERTIFICATE_LIFETIME if is_shortened else end - old.not_valid_before_utc - BACKDATED
        issued = self._issuing_authority().issue(subject_of(old), lifetime)
        self._write_certificate(process, issued)
        return issued

    def renew_due(self) -> tuple[str, ...]:
        """Renew the certificates that are due or have expired. Return the names of their processes.

        Raises:
            StartupError: as `renew`.
        """
        due = tuple(entry.name for entry in self.certificates() if entry.state != "valid")
        for name in due:
            self.renew(name)
        return due

    def begin_rotation(self, lifetime: timedelta = AUTHORITY_LIFETIME) -> None:
        """Create the next authority. It is trusted from now on, but does not issue certificates yet.

        Raises:
            StartupError: there is no authority, or a rotation has begun already.
        """
        if not self.has_authority:
            raise _no_authority(self.path)
        if self.rotation == "begun":
            raise StartupError("a rotation has begun already; continue it with: mosafe certs rotate")
        if self.rotation == "switched":
            raise StartupError("the last rotation is not complete; complete it with: mosafe certs rotate --finish")
        self._create_authority(self._next, lifetime)

    def switch_authority(self) -> tuple[str, ...]:
        """Let the next authority issue certificates, and renew all. The old authority stays trusted.

        If this was interrupted, the next call completes it.

        Raises:
            StartupError: no rotation has begun, or a file cannot be written.
        """
        if not self._next.exists():
            raise StartupError("no rotation has begun; it begins with: mosafe certs rotate")
        try:
            replace_private_file(self._previous, self._current.read_text("ascii"))
            if (key := self._next.with_suffix(".key")).exists():
                key.replace(self._current.with_suffix(".key"))
            self._next.replace(self._current)
        except OSError as error:
            raise StartupError(f"cannot replace the authority {self._current}: {error.strerror}") from error
        self.write_bundle()
        names = tuple(entry.name for entry in self.certificates())
        for name in names:
            self.renew(name)
        return names

    def finish_rotation(self) -> None:
        """Trust the old authority no longer.

        Raises:
            StartupError: there is no old authority, or a certificate in the folder still comes from it.
        """
        if not self._previous.exists():
            raise StartupError("there is no previous authority; a rotation begins with: mosafe certs rotate")
        previous = _read_certificate(self._previous)
        for entry in self.certificates():
            if entry.certificate.issuer == previous.subject:
                problem = f"the certificate of {entry.name} still comes from the previous authority"
                raise StartupError(f"{problem}; renew it first: mosafe certs issue {entry.name}")
        try:
            self._previous.unlink()
        except OSError as error:
            raise StartupError(f"cannot remove {self._previous}: {error.strerror}") from error
        self.write_bundle()

    def certificates(self) -> list[Entry]:
        """Return the certificates of processes, in the order of the topology.

        Raises:
            StartupError: a certificate cannot be read.
        """
        paths = {name: self.path / name / "cert.pem" for name in load_topology().processes}
        return [self._entry(name, path) for name, path in paths.items() if path.exists()]

    def authorities(self) -> list[Entry]:
        """Return the trusted authorities, the current one first.

        Raises:
            StartupError: a certificate cannot be read.
        """
        paths = (self._current, self._next, self._previous)
        return [self._entry(f"authority ({path.stem})", path) for path in paths if path.exists()]

    def _issuing_authority(self) -> Authority:
        if not self.has_authority:
            raise _no_authority(self.path)
        key = self._current.with_suffix(".key")
        try:
            issued = Issued.from_pem(read_private_file(self._current), read_private_file(key))
        except (OSError, ValueError) as error:
            raise StartupError(f"cannot read the authority {self._current} and its key: {error}") from error
        end = issued.certificate.not_valid_after_utc
        if issued.key.public_key() != issued.certificate.public_key():
            problem = f"{key} is not the key of {self._current}"
            raise StartupError(f"{problem}; if a rotation was interrupted, complete it: mosafe certs rotate")
        if end <= self._clock():
            raise StartupError(
                f"the authority {self._current} has expired on {end:%F}; replace it: mosafe certs rotate"
            )
        return Authority(issued, self._clock)

    def _entry(self, name: str, path: Path) -> Entry:
        certificate = _read_certificate(path)
        begin, end, at = certificate.not_valid_before_utc, certificate.not_valid_after_utc, self._clock()
        renew_at = begin + (end - begin) * _USED_BEFORE_RENEWAL
        state: State = "expired" if at >= end else "due" if at >= renew_at else "valid"
        return Entry(name, path, certificate, state, renew_at)

    def _create_authority(self, path: Path, lifetime: timedelta) -> None:
        authority = Authority.create(load_topology().trust_domain, lifetime, clock=self._clock)
        make_folder(self.path)
        make_folder(path.parent)
        write_file(path.with_suffix(".key"), authority.issued.key_pem)
        write_file(path, authority.issued.certificate_pem)
        self.write_bundle()

    def write_bundle(self) -> None:
        """Write `ca.pem`, and its copies in the folders of processes. Raise a `StartupError` if it cannot."""
        pems = (entry.certificate.public_bytes(Encoding.PEM).decode("ascii") for entry in self.authorities())
        bundle = "".join(pems)
        write_file(self.path / "ca.pem", bundle)
        for entry in self.certificates():
            ProcessFolder(entry.path.parent, self._owner).write_bundle(bundle)

    def _write_certificate(self, process: str, issued: Issued) -> None:
        make_folder(self.path)
        folder = ProcessFolder(self.path / process, self._owner)
        folder.create()
        folder.write_bundle((self.path / "ca.pem").read_text("ascii"))
        folder.write_certificate(issued)


def _subject(process: str, further: Subject | None) -> Subject:
    topology = load_topology()
    names = (process, *topology.process(process).hosts, *LOCAL_NAMES, *(further.dns_names if further else ()))
    addresses = (*_LOCAL_ADDRESSES, *(further.addresses if further else ()))
    return Subject(topology.identity(process), tuple(dict.fromkeys(names)), tuple(dict.fromkeys(addresses)))


def _no_authority(path: Path) -> StartupError:
    return StartupError(f"{path} has no authority yet; create it with: mosafe certs init")


def _read_certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except OSError as error:
        raise StartupError(f"cannot read the certificate {path}: {error.strerror}") from error
    except ValueError as error:
        raise StartupError(f"{path} has no certificate in PEM format") from error
