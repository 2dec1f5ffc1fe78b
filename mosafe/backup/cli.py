"""`mosafe backup`: the commands."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from mosafe.backup.age_encryption import new_key_file, public_keys_of, read_identities, read_recipients
from mosafe.backup.create import BackupOptions, create
from mosafe.backup.errors import NOT_CONFIGURED, BackupError
from mosafe.backup.installation import Installation
from mosafe.backup.open_destination import open_destination
from mosafe.backup.read_backup import NEWEST, list_backups, prune, read_manifest, verify
from mosafe.backup.restore import BackupSource, RestoreResult, restore
from mosafe.backup.schedule import Plan, Schedule, until_terminated
from mosafe.backup.settings import BackupSettings
from servicekit.logging import configure
from servicekit.private_files import create_private_file, make_private_folder
from servicekit.settings import environment, load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mosafe.backup.destination import Destination
    from mosafe.backup.manifest import Manifest

_UNITS: Final = ("B", "kB", "MB", "GB", "TB")
_THOUSAND: Final = 1_000

_to = click.option("--to", help="A folder or s3://BUCKET/PREFIX; by default BACKUP_TO.")
_json = click.option("--json", "is_json", is_flag=True, help="Print JSON.")
_without_secrets = click.option(
    "--without-secrets", is_flag=True, help="Leave out the generated secrets of the data directory."
)


@click.group("backup")
def command() -> None:
    """Make, list, verify, restore and delete encrypted backups of all stores."""


@command.command("keygen")
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE")
def keygen(path: Path) -> None:
    """Write a new private key to FILE, and its public key to FILE.pub.

    Give the public key to the machine that makes backups. Keep the private key elsewhere: who has it can read all
    backups, and without it no backup can be restored.
    """
    public = path.with_name(f"{path.name}.pub")
    if path.exists() or public.exists():
        raise BackupError(NOT_CONFIGURED, f"{path} or {public} exists; a key is never overwritten")
    content = new_key_file()
    try:
        make_private_folder(path.parent)
        create_private_file(path, content)
        public.write_text(public_keys_of(path), encoding="ascii")
    except OSError as error:
        raise BackupError(NOT_CONFIGURED, f"cannot write {path}: {error.strerror}") from error
    click.echo(f"private key: {path} (BACKUP_IDENTITY_FILE, for verify and restore)")
    click.echo(f"public key:  {public} (BACKUP_RECIPIENTS, for create and schedule)")


@command.command("create")
@_to
@_without_secrets
@_json
def create_command(to: str | None, *, without_secrets: bool, is_json: bool) -> None:
    """Make a backup. The services may be running."""
    settings, destination = _open(to)
    options = _options(settings, without_secrets=without_secrets)
    manifest = create(Installation.of(environment()), destination, options)
    click.echo(json.dumps(asdict(manifest), indent=1) if is_json else "\n".join(_described(manifest)))


@command.command("list")
@_to
@_json
def list_command(to: str | None, *, is_json: bool) -> None:
    """List the complete backups, the oldest first."""
    settings, destination = _open(to)
    listed = list_backups(destination, settings.signing_key)
    if is_json:
        click.echo(json.dumps([asdict(each) for each in listed], indent=1))
        return
    for each in listed:
        if each.manifest is None:
            click.echo(f"{each.id}  {each.problem}")
        else:
            click.echo(f"{each.id}  {_size(each.manifest.stored_size):>8}  {each.manifest.product}")


@command.command("verify")
@click.argument("backup", default=NEWEST)
@_to
def verify_command(backup: str, to: str | None) -> None:
    """Verify a backup: its manifest, and sizes and checksums of its files. The default is the newest backup.

    With BACKUP_IDENTITY, the files are also decrypted, and their content is verified.
    """
    settings, destination = _open(to)
    identities = read_identities(settings)
    manifest = read_manifest(destination, backup, settings.signing_key)
    verify(destination, manifest, identities)
    click.echo("\n".join(_described(manifest)))
    if identities:
        click.echo("sound: all files were decrypted, and have the sizes and checksums of the manifest")
    else:
        click.echo("sound: all files have the sizes and checksums of the manifest; without a key, none was decrypted")


@command.command("restore")
@click.argument("backup", default=NEWEST)
@_to
@click.option("--replace", is_flag=True, help="Replace stores that have data. Their present data is lost.")
@_json
def restore_command(backup: str, to: str | None, *, replace: bool, is_json: bool) -> None:
    """Restore all stores from a backup, by default from the newest one. Stop all services first.

    Nothing is changed before the whole backup was verified.
    """
    settings, destination = _open(to)
    environ = environment()
    manifest = read_manifest(destination, backup, settings.signing_key)
    source = BackupSource(destination, manifest, read_identities(settings))
    result = restore(source, environ, Installation.of(environ), replace=replace)
    if is_json:
        click.echo(json.dumps({"backup": manifest.id, **asdict(result)}, indent=1))
    else:
        click.echo("\n".join((*_described(manifest), *_restored(result))))


@command.command("prune")
@_to
@click.option("--dry-run", is_flag=True, help="Only print what would be deleted.")
def prune_command(to: str | None, *, dry_run: bool) -> None:
    """Delete the backups that BACKUP_KEEP does not keep, and those that were cut off a day ago."""
    settings, destination = _open(to)
    deleted = prune(destination, settings.retention, settings.signing_key, dry_run=dry_run)
    for each in deleted:
        click.echo(f"{'would delete' if dry_run else 'deleted'} {each}")
    click.echo(f"{len(deleted)} backups; {len(destination.ids())} are there")


@command.command("schedule")
@_to
@_without_secrets
def schedule_command(to: str | None, *, without_secrets: bool) -> None:
    """Make backups at the times of BACKUP_SCHEDULE, and delete old ones, until SIGTERM arrives.

    Several of these processes may run with the same destination: one of them makes each backup.
    """
    settings, destination = _open(to)
    configure("backup", settings)
    plan = Plan(
        Installation.of(environment()),
        destination,
        _options(settings, without_secrets=without_secrets),
        settings.timetable,
        settings.retention,
    )
    with until_terminated() as wait:
        Schedule(plan, wait).run()


def _options(settings: BackupSettings, *, without_secrets: bool) -> BackupOptions:
    return BackupOptions(read_recipients(settings), settings.signing_key, not without_secrets)


def _open(to: str | None) -> tuple[BackupSettings, Destination]:
    settings = load(BackupSettings, environment())
    return settings, open_destination(to or settings.to)


def _described(manifest: Manifest) -> Iterator[str]:
    yield f"backup {manifest.id} of {manifest.product}, {_size(manifest.stored_size)}; {manifest.pairing}"
    for store in manifest.stores:
        facts = store.facts
        size = _size(sum(file.stored_size for file in store.files))
        changes = "" if facts.changes is None else f", {facts.changes} changes, schema version {facts.migration}"
        yield f"  {facts.name:<11} {facts.point_in_time}  {size:>8}  {facts.server} ({facts.method}){changes}"


def _restored(result: RestoreResult) -> Iterator[str]:
    yield "restored; the stores belong together, and each has the changes that the manifest says"
    yield from result.offsets
    if result.pending_posted:
        yield f"{result.pending_posted} orders are PENDING and posted: the transaction service completes them"
    if result.pending_unposted:
        yield f"{result.pending_unposted} orders are PENDING and not posted: the transaction service carries them out"
    yield from result.differences
    yield "next: `mosafe account ledger verify`, then start the services"


def _size(number: int) -> str:
    value = float(number)
    for unit in _UNITS:
        if value < _THOUSAND or unit == _UNITS[-1]:
            break
        value /= _THOUSAND
    return f"{number} B" if number < _THOUSAND else f"{value:.1f} {unit}"
