"""`mosafe certs`: the platform's own certificate authority, and the certificates of its processes."""

from __future__ import annotations

import ipaddress
import json
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from bank.topology import load_topology
from mosafe.certificates.folder import AUTHORITY_LIFETIME, CERTIFICATE_LIFETIME, LOCAL_NAMES, CertificateFolder
from mosafe.certificates.issuing import Subject, identity_of
from mosafe.certificates.keeping import complete, continue_rotation
from mosafe.certificates.kept_secrets import keep_secrets
from mosafe.secret_files import OwnerType
from servicekit.errors import StartupError
from servicekit.settings import environment

if TYPE_CHECKING:
    from mosafe.certificates.folder import Entry
    from mosafe.secret_files import Owner

FOLDER: Final = "certs"
"""The name of the folder in the data directory."""

_folder = click.option(
    "--dir",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder of the certificates; by default `certs` in the data directory.",
)
_authority_days = click.option(
    "--days",
    type=click.IntRange(1, 3650),
    default=AUTHORITY_LIFETIME.days,
    show_default=True,
    help="The lifetime of the authority.",
)


def certificate_folder(path: Path | None = None) -> CertificateFolder:
    """Return the folder at `path`; None for the one in the data directory."""
    return CertificateFolder(path or Path(environment().get("MOSAFE_DATA_DIR") or ".mosafe") / FOLDER)


@click.group("certs")
def command() -> None:
    """Create and renew the certificates of mutual TLS (docs/deploy/mtls.md)."""


command.add_command(keep_secrets)


@command.command("init")
@_folder
@_authority_days
def init(folder: Path | None, days: int) -> None:
    """Create the authority that issues the certificates."""
    certificates = certificate_folder(folder)
    certificates.init(timedelta(days=days))
    click.echo(f"created an authority in {certificates.path}, valid for {days} days")


@command.command("issue")
@click.argument("processes", nargs=-1)
@_folder
@click.option("--all", "every", is_flag=True, help="Issue a certificate for each process.")
@click.option("--due", is_flag=True, help="Renew the certificates that are past two thirds of their lifetime.")
@click.option(
    "--hours",
    type=click.IntRange(1, 24 * 90),
    default=int(CERTIFICATE_LIFETIME.total_seconds() // 3600),
    show_default=True,
    help="The lifetime.",
)
@click.option("--dns", multiple=True, help="A further host name under which the process is found.")
@click.option("--ip", multiple=True, help="A further address under which the process is found.")
def issue(processes: tuple[str, ...], folder: Path | None, **options: Any) -> None:
    """Issue certificates for PROCESSES, such as `auth` or `operator`. Running processes use them without a restart."""
    certificates = certificate_folder(folder)
    if options["due"]:
        if processes or options["every"]:
            raise click.UsageError("--due chooses the processes itself; leave out PROCESSES and --all")
        renewed = certificates.renew_due()
        click.echo(f"renewed {', '.join(renewed)}" if renewed else "no certificate is due")
        return
    names = tuple(load_topology().processes) if options["every"] else processes
    if not names:
        raise click.UsageError("name the processes, or use --all or --due")
    for address in options["ip"]:
        _check_address(address)
    for name in names:
        load_topology().process(name)  # so that no certificate is issued if a name is wrong
    for name in names:
        further = Subject("", options["dns"], options["ip"])
        issued = certificates.issue(name, timedelta(hours=options["hours"]), further)
        click.echo(f"{name}: valid until {issued.certificate.not_valid_after_utc:%F %T} UTC")


@command.command("keep")
@_folder
@click.option("--owner", type=OwnerType(), help="Who may read the folders of the processes; needs the rights of root.")
@click.option("--dns", multiple=True, help="A further host name that each certificate has.")
@click.option(
    "--public-dns",
    multiple=True,
    help="A host name whose certificate a public authority issues; no certificate here has it, even with --dns.",
)
@click.option("--ip", multiple=True, help="A further address that each certificate has.")
@click.option(
    "--touch",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file of a server that reads its certificates again only when this file changes; its time is set.",
)
@click.option("--interval", type=click.IntRange(1), default=3600, show_default=True, help="Seconds between two looks.")
@click.option("--once", is_flag=True, help="Look once, and end.")
def keep(folder: Path | None, owner: Owner | None, *, once: bool, **options: Any) -> None:
    """Create what is missing, and renew certificates and the authority in time, until this command is stopped.

    The authority is replaced in three steps, with the interval between them, so that no connection is refused.
    """
    certificates = CertificateFolder(folder or certificate_folder().path, owner=owner)
    for address in options["ip"]:
        _check_address(address)
    further = Subject("", options["dns"], options["ip"])
    # Docker Compose gives an empty name if the host has no public certificate.
    public = frozenset(filter(None, options["public_dns"]))
    if local := public & set(LOCAL_NAMES):
        raise click.BadParameter(f"no public authority issues a certificate for {', '.join(local)}")
    is_first = True
    while True:
        try:
            _keep(certificates, further, public, options["touch"])
        except StartupError as error:
            if is_first:
                raise
            click.echo(f"mosafe: {error}; trying again in {options['interval']} s", err=True)
        if once:
            return
        is_first = False
        time.sleep(options["interval"])


def _keep(certificates: CertificateFolder, further: Subject, public: frozenset[str], touch: Path | None) -> None:
    has_rotated = certificates.has_authority and continue_rotation(certificates)
    changed = complete(certificates, further, public)
    if has_rotated:
        click.echo(f"replacing the authority: {certificates.rotation}")
    if changed:
        click.echo(f"issued certificates: {', '.join(changed)}")
    if touch is not None and (has_rotated or changed):
        touch.touch()


@command.command("rotate")
@_folder
@click.option("--begin", "step", flag_value="begin", help="Only trust a new authority; it issues nothing yet.")
@click.option("--finish", "step", flag_value="finish", help="Trust the old authority no longer.")
@_authority_days
def rotate(folder: Path | None, step: str | None, days: int) -> None:
    """Replace the authority, in steps, so that no connection is refused meanwhile.

    `--begin` makes all processes trust a new authority besides the old one. Without an option, the new authority then
    issues all certificates anew; without an earlier `--begin`, both steps follow each other. When every process has its
    new certificate, `--finish` removes the old authority.

    On one machine, processes see new files at once. If files are copied to other machines, copy them after each step.
    """
    certificates = certificate_folder(folder)
    if step == "finish":
        certificates.finish_rotation()
        click.echo("the old authority is not trusted any more")
        return
    if step == "begin" or certificates.rotation != "begun":
        certificates.begin_rotation(timedelta(days=days))
        click.echo("a new authority is trusted, too")
    if step == "begin":
        click.echo("when all processes have the new ca.pem, continue with: mosafe certs rotate")
        return
    renewed = certificates.switch_authority()
    click.echo(f"the new authority has issued the certificates of {', '.join(renewed) or 'no process'}")
    click.echo("when all processes use them, remove the old authority: mosafe certs rotate --finish")


@command.command("list")
@_folder
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
@click.option("--check", is_flag=True, help="Exit with 1 if a process has no certificate, or one that has expired.")
def list_certificates(folder: Path | None, *, as_json: bool, check: bool) -> None:
    """List the authorities and certificates, with the time at which they expire and are due for renewal."""
    certificates = certificate_folder(folder)
    entries = [*certificates.authorities(), *certificates.certificates()]
    usable = {entry.name for entry in entries if entry.state != "expired"}
    missing = [name for name in load_topology().processes if name not in usable]
    if check and missing:
        raise StartupError(f"no valid certificate: {', '.join(missing)}; issue them with: mosafe certs issue --all")
    if as_json:
        click.echo(json.dumps([_to_json(entry) for entry in entries], indent=2))
        return
    width = max((len(entry.name) for entry in entries), default=0)
    for entry in entries:
        end = entry.certificate.not_valid_after_utc
        dates = f"expires {end:%F %T}  renew from {entry.renew_at:%F %T} UTC"
        click.echo(f"{entry.name:<{width}}  {entry.state:<7}  {dates}")
    if not entries:
        click.echo(f"{certificates.path} has no certificates; begin with: mosafe certs init")


def _to_json(entry: Entry) -> dict[str, object]:
    certificate = entry.certificate
    return {
        "name": entry.name,
        "identity": identity_of(certificate),
        "state": entry.state,
        "notBefore": certificate.not_valid_before_utc.isoformat(),
        "notAfter": certificate.not_valid_after_utc.isoformat(),
        "renewAt": entry.renew_at.isoformat(),
        "serial": f"{certificate.serial_number:x}",
        "issuer": certificate.issuer.rfc4514_string(),
        "file": str(entry.path),
    }


def _check_address(text: str) -> None:
    try:
        ipaddress.ip_address(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--ip") from error
