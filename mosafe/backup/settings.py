"""The settings of `mosafe backup`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from bank.settings import BankSettings
from mosafe.backup.retention import Retention
from mosafe.backup.timetable import Timetable
from servicekit.settings import Secret


def _check_schedule(text: str) -> str:
    Timetable.parse(text)
    return text


def _check_keep(text: str) -> str:
    Retention.parse(text)
    return text


class BackupSettings(BankSettings):
    """Settings of backups.

    Attributes:
        to: where backups are: a folder, or `s3://BUCKET/PREFIX`.
        recipients: a file with the public keys (age) for which backups are encrypted, one a line.
        identity: the private key (age) that opens backups. Only `verify` and `restore` need it.
        manifest_key: signs the manifests. A manifest without a valid signature is then refused.
        schedule: when `mosafe backup schedule` makes backups: a cron expression in UTC, or an interval such as `6h`.
        keep: how many backups `prune` keeps.
    """

    to: str | None = Field(None, alias="BACKUP_TO")
    recipients: Path | None = Field(None, alias="BACKUP_RECIPIENTS")
    identity: SecretStr | None = Field(None, alias="BACKUP_IDENTITY")
    manifest_key: Secret | None = Field(None, alias="BACKUP_MANIFEST_KEY")
    schedule: Annotated[str, AfterValidator(_check_schedule)] = Field("0 3 * * *", alias="BACKUP_SCHEDULE")
    keep: Annotated[str, AfterValidator(_check_keep)] = Field("daily=7,weekly=4,monthly=12", alias="BACKUP_KEEP")

    @property
    def retention(self) -> Retention:
        return Retention.parse(self.keep)

    @property
    def timetable(self) -> Timetable:
        return Timetable.parse(self.schedule)

    @property
    def signing_key(self) -> bytes | None:
        """The key of the manifests' signatures, or None if they are not signed."""
        return None if self.manifest_key is None else self.manifest_key.get_secret_value().encode()
