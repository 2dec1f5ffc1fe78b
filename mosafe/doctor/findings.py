"""What a check has found, and the settings that all checks read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeAlias

from servicekit.errors import ConfigurationError
from servicekit.settings import load
from subgraphs.account.settings import AccountSettings
from subgraphs.auth.settings import AuthSettings
from subgraphs.transaction.settings import TransactionSettings

if TYPE_CHECKING:
    from pathlib import Path

    from subgraphs.kit.settings import SubgraphSettings

SERVICES: Final[Mapping[str, type[AuthSettings | AccountSettings | TransactionSettings]]] = {
    "auth": AuthSettings,
    "account": AccountSettings,
    "transaction": TransactionSettings,
}


class Status(StrEnum):
    """How serious a finding is."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report.

    Attributes:
        check: the name of what was checked, such as `port auth`.
        status: how serious it is.
        text: what was found, without a secret.
        fix: a command or a step that mends it.
    """

    check: str
    status: Status
    text: str
    fix: str | None = None


def ok(check: str, text: str) -> Finding:
    return Finding(check, Status.OK, text)


def warning(check: str, text: str, fix: str) -> Finding:
    return Finding(check, Status.WARNING, text, fix)


def failed(check: str, text: str, fix: str) -> Finding:
    return Finding(check, Status.FAILED, text, fix)


@dataclass(frozen=True)
class Context:
    """The environment of the checks.

    Attributes:
        environ: the variables.
        settings: the settings of each service whose variables are right.
        mistakes: the variables with a mistake.
    """

    environ: Mapping[str, str]
    settings: Mapping[str, AuthSettings | AccountSettings | TransactionSettings]
    mistakes: Sequence[Finding]

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Context:
        settings, mistakes = {}, {}
        for name, kind in SERVICES.items():
            try:
                settings[name] = load(kind, environ)
            except ConfigurationError as error:
                # Each service has the common variables, so they would be reported three times.
                mistakes[str(error)] = Finding("settings", Status.FAILED, str(error), "correct the variable in .env")
        return cls(environ, settings, list(mistakes.values()))

    @property
    def any_settings(self) -> SubgraphSettings | None:
        return next(iter(self.settings.values()), None)

    @property
    def data_dir(self) -> Path | None:
        found = self.any_settings
        return None if found is None else found.data_dir

    @property
    def brokers(self) -> str | None:
        found = self.settings.get("transaction")
        return found.kafka_brokers if isinstance(found, TransactionSettings) else None


Check: TypeAlias = Callable[[Context], Awaitable[list[Finding]]]


_NOTABLE_SECONDS: Final = 2.0
# Signatures and tokens allow this difference (bank §2.20).
_TOLERATED_SECONDS: Final = 5.0


def clock_finding(check: str, seconds: float) -> list[Finding]:
    """Return a finding if the clock of a server differs from ours by `seconds`."""
    if abs(seconds) < _NOTABLE_SECONDS:
        return []
    status = Status.FAILED if abs(seconds) >= _TOLERATED_SECONDS else Status.WARNING
    return [Finding(check, status, f"its clock differs by {seconds:+.1f} s from this machine's", "timedatectl status")]
