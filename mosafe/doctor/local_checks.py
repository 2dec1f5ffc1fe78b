"""Checks of this machine: settings, disk, permissions of secrets, names of hosts, and the age of the newest backup."""

from __future__ import annotations

import asyncio
import shutil
import socket
import stat
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from bank.values import now
from bank.variables import VARIABLES
from mosafe.doctor.findings import Context, Finding, Status, failed, ok, warning
from mosafe.processes import PROCESSES
from servicekit.client_address import parse_address
from servicekit.errors import ConfigurationError, StartupError
from servicekit.private_files import read_private_file, refuse_loose_secret
from servicekit.settings import FILE_SUFFIX, load
from servicekit.sqlite import MIN_FREE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mosafe.doctor.findings import Context

# Below this, the disk fills up within days at the growth of a small bank.
_LITTLE_FREE_BYTES: Final = 1_000_000_000
_OTHERS: Final = 0o077
_URLS: Final = (
    "AUTH_DB_URL",
    "ACCOUNT_DB_URL",
    "TRANSACTION_DB_URL",
    "REDIS_URL",
    "AUTH_SMTP_URL",
    "PAYMENT_PROVIDER_URL",
    *(variable for process in PROCESSES for variable, _ in process.found_by),
)


async def check_settings(context: Context) -> list[Finding]:
    """Whether the variables of the three services are right."""
    return list(context.mistakes) or [ok("settings", "the variables of all services are right")]


async def check_disk(context: Context) -> list[Finding]:
    """How much space is free where the embedded stores are."""
    if context.data_dir is None:
        return []
    folder = next(path for path in (context.data_dir, *context.data_dir.absolute().parents) if path.exists())
    free = shutil.disk_usage(folder).free
    status = Status.OK
    if free < _LITTLE_FREE_BYTES:
        status = Status.FAILED if free < MIN_FREE_BYTES else Status.WARNING
    fix = None if status is Status.OK else f"free space on the disk of {folder}; `df -h {folder}` shows it"
    return [Finding("disk", status, f"{free / 1e9:.1f} GB are free at {folder}", fix)]


async def check_secrets(context: Context) -> list[Finding]:
    """Whether other users can read the data directory or a secret."""
    found = list(_loose_files(context))
    return found or [ok("secrets", "no other user can read them")]


def _loose_files(context: Context) -> Iterator[Finding]:
    for name in sorted(VARIABLES.secrets):
        path = context.environ.get(name + FILE_SUFFIX)
        if path:
            try:
                refuse_loose_secret(Path(path))
            except (StartupError, OSError) as error:
                reason = error.strerror if isinstance(error, OSError) else str(error)
                yield failed("secrets", f"{name}{FILE_SUFFIX}: {reason}", f"chmod 600 {path}")
    folder = context.data_dir
    if folder is None or not folder.is_dir():
        return
    if folder.stat().st_mode & _OTHERS:
        mode = stat.S_IMODE(folder.stat().st_mode)
        yield failed("secrets", f"other users can open the folder {folder} ({mode:04o})", f"chmod 700 {folder}")
    for secret in sorted((folder / "secrets").glob("[!.]*")):
        try:
            read_private_file(secret)
        except (StartupError, OSError, UnicodeDecodeError) as error:
            yield failed("secrets", str(error), f"chmod 600 {secret}")


async def check_names(context: Context) -> list[Finding]:
    """Whether the names of hosts in the variables have addresses."""
    hosts: dict[str, str] = {}
    for variable in _URLS:
        for host in _hosts(context.environ.get(variable, "")):
            hosts.setdefault(host, variable)
    for broker in (context.brokers or "").split(","):
        host = broker.rpartition(":")[0].strip("[]")
        if host:
            hosts.setdefault(host, "KAFKA_BROKERS")
    names = [host for host in hosts if parse_address(host) is None]
    results = await asyncio.gather(*map(_resolve, names))
    found = [
        failed("names", f"{hosts[name]}: no address of the host {name}: {reason}", f"getent hosts {name}")
        for name, reason in zip(names, results, strict=True)
        if reason is not None
    ]
    return found or [ok("names", f"{len(names)} host names have addresses")]


def _hosts(url: str) -> list[str]:
    """Return the hosts in a URL, which may have several, without user and password."""
    try:
        hosts = urlsplit(url).netloc.rpartition("@")[2].split(",")
        return [urlsplit(f"//{host}").hostname or "" for host in hosts if host]
    except ValueError:
        return []


async def _resolve(host: str) -> str | None:
    """Return the reason why a host has no address, or None if it has one."""
    try:
        await asyncio.get_running_loop().getaddrinfo(host, None)
    except (socket.gaierror, UnicodeError) as error:
        return error.strerror or str(error) if isinstance(error, OSError) else "not a name"
    return None


async def check_backups(context: Context) -> list[Finding]:
    """How old the newest backup is."""
    if not context.environ.get("BACKUP_TO"):
        return [warning("backups", "there are none: BACKUP_TO is not set", "mosafe backup create --help")]
    return [await asyncio.to_thread(_newest_backup, context)]


def _newest_backup(context: Context) -> Finding:
    """Look at the newest backup. The libraries of backups and object stores take long to import, so it has a thread."""
    # The libraries of backups are an extra of their own.
    try:
        from mosafe.backup.open_destination import open_destination  # noqa: PLC0415 - see above
        from mosafe.backup.read_backup import NEWEST, read_manifest  # noqa: PLC0415 - see above
        from mosafe.backup.settings import BackupSettings  # noqa: PLC0415 - see above
    except ModuleNotFoundError as error:
        return failed("backups", f"needs {error.name}", "pip install 'mosafe[backup]'")
    try:
        settings = load(BackupSettings, context.environ)
        manifest = read_manifest(open_destination(settings.to), NEWEST, settings.signing_key)
    except (ConfigurationError, StartupError) as error:
        return failed("backups", str(error), "mosafe backup create")
    # A backup may take an hour, and the next one is then due.
    due = settings.timetable.after(manifest.started + timedelta(seconds=1)) + timedelta(hours=1)
    text = f"the newest one, {manifest.id}, is {(now() - manifest.started).total_seconds() / 3600:.1f} h old"
    if now() > due:
        return warning("backups", f"{text}; one was due at {due:%Y-%m-%d %H:%M} UTC", "mosafe backup create")
    return ok("backups", text)
