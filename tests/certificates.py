"""Certificates of processes for tests: right ones, expired ones, and those of other authorities."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from mosafe.certificates.issuing import Authority, Issued, Subject, now
from servicekit.tls.files import TlsFiles

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

HOUR = timedelta(hours=1)


def long_ago() -> datetime:
    return now() - timedelta(days=2)


@dataclass
class TestAuthority:
    """An authority with a folder, in which it writes the files of processes."""

    __test__ = False

    folder: Path
    authority: Authority = field(default_factory=lambda: Authority.create("test", timedelta(days=30)))

    def issue(self, identity: str, *, hours: float = 1, dns: tuple[str, ...] = ("localhost",)) -> Issued:
        """A certificate for this machine."""
        return self.authority.issue(Subject(identity, dns, ("127.0.0.1",)), hours * HOUR)

    def expired(self, identity: str) -> Issued:
        """A certificate that expired two days ago."""
        return Authority(self.authority.issued, long_ago).issue(Subject(identity, ("localhost",), ("127.0.0.1",)), HOUR)

    def write(self, name: str, issued: Issued, *, trust: TestAuthority | None = None) -> TlsFiles:
        """Write the files of a process. It trusts the authority `trust`, by default this one."""
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        files = TlsFiles(folder / "cert.pem", folder / "key.pem", folder / "ca.pem")
        files.key.write_text(issued.key_pem)
        files.key.chmod(0o600)
        files.certificate.write_text(issued.certificate_pem)
        files.authorities.write_text((trust or self).authority.issued.certificate_pem)
        return files

    def files(self, name: str, *, dns: tuple[str, ...] = ("localhost",)) -> TlsFiles:
        """The files of the process `spiffe://test/<name>`."""
        return self.write(name, self.issue(f"spiffe://test/{name}", dns=dns))
