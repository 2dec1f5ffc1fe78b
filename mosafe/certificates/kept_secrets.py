"""`mosafe certs keep-secrets`: the certificates of the platform in Secrets, for clusters without cert-manager.

```
authority-tls        the folder `authorities` (folder.py): only the Job with this command may read it
<process>-tls        tls.crt, tls.key, ca.crt: the certificate of a process, which its pods mount
```

A Job runs the command once before the first pods start, and a CronJob every hour. Each run copies the Secrets into a
temporary folder, does there what `mosafe certs keep --once` does, and writes the Secrets that have changed.

The authority is written last. If the Job is stopped before that, the next run repeats the same step: a new authority is
used only when every process trusts it, and the first certificates are issued again if their authority was not stored.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import click

from bank.topology import load_topology
from mosafe.certificates.folder import CertificateFolder
from mosafe.certificates.issuing import Subject, now
from mosafe.certificates.keeping import complete, continue_rotation
from mosafe.certificates.kubernetes_secrets import SERVICE_ACCOUNT, Secret, SecretsApi
from mosafe.certificates.process_folder import make_folder, write_file

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

_AUTHORITIES: Final = "authorities"
_AUTHORITY_SECRET: Final = "authority-tls"  # noqa: S105 - the name of a Secret
_OPAQUE: Final = "Opaque"
_TLS: Final = "kubernetes.io/tls"
# The file in the folder of a process, by its name in the Secret.
_FILES: Final = {"tls.crt": "cert.pem", "tls.key": "key.pem", "ca.crt": "ca.pem"}


def keep_in_secrets(
    api: SecretsApi, prefix: str = "", further: Subject | None = None, clock: Callable[[], datetime] = now
) -> tuple[str, ...]:
    """Create what is missing in the Secrets, and renew what is due. Return the names of the Secrets that were written.

    `prefix` is before the name of each Secret. `further` has names and addresses that each certificate must
    have. `clock` returns the time in UTC.

    Raises:
        StartupError: the API server refuses or cannot be reached, or a Secret has no valid certificates.
    """
    with TemporaryDirectory() as scratch:
        root = Path(scratch) / "certs"
        names = [*(f"{prefix}{process}-tls" for process in load_topology().processes), f"{prefix}{_AUTHORITY_SECRET}"]
        read = {name: api.read(name) for name in names}
        if read[names[-1]] is not None:
            _write_folders(root, read, prefix)
        folder = CertificateFolder(root, clock=clock)
        if folder.has_authority:
            continue_rotation(folder)
        complete(folder, further or Subject(""))
        written = []
        for name in names:
            old, data = read[name], _data(root, name, prefix)
            if old is None or dict(old.data) != data:
                kind = old.kind if old else _OPAQUE if name.endswith(_AUTHORITY_SECRET) else _TLS
                api.write(Secret(name, kind, data, old.version if old else None))
                written.append(name)
        return tuple(written)


def _write_folders(root: Path, secrets: Mapping[str, Secret | None], prefix: str) -> None:
    make_folder(root)
    for name, secret in secrets.items():
        if secret is not None:
            files = _paths(root, name, prefix, secret.data)
            make_folder(next(iter(files.values())).parent)
            for key, path in files.items():
                write_file(path, secret.data[key])


def _paths(root: Path, name: str, prefix: str, keys: Mapping[str, str]) -> dict[str, Path]:
    """Return the path of each file of a Secret, by its key. Other keys are left out."""
    if name == f"{prefix}{_AUTHORITY_SECRET}":
        return {key: root / _AUTHORITIES / Path(key).name for key in keys}
    process = name.removeprefix(prefix).removesuffix("-tls")
    return {key: root / process / file for key, file in _FILES.items() if key in keys}


def _data(root: Path, name: str, prefix: str) -> dict[str, str]:
    if name == f"{prefix}{_AUTHORITY_SECRET}":
        return {path.name: path.read_text("ascii") for path in sorted((root / _AUTHORITIES).iterdir())}
    return {key: path.read_text("ascii") for key, path in _paths(root, name, prefix, _FILES).items()}


@click.command("keep-secrets")
@click.option("--prefix", default="", help="What is before the name of each Secret.")
@click.option("--dns", multiple=True, help="A further host name that each certificate has.")
@click.option(
    "--account",
    type=click.Path(file_okay=False, path_type=Path),
    default=SERVICE_ACCOUNT,
    show_default=True,
    help="The folder with the token of the service account.",
)
def keep_secrets(prefix: str, dns: tuple[str, ...], account: Path) -> None:
    """Keep the certificates in Secrets of Kubernetes, in a pod: create what is missing, and renew what is due."""
    written = keep_in_secrets(SecretsApi.of_pod(account), prefix, Subject("", dns))
    click.echo(f"wrote the Secrets {', '.join(written)}" if written else "every certificate is valid; nothing to do")
