"""Gives each process only those variables of the platform that it reads.

A secret that a process does not have cannot leak from it. Only auth gets the secret that encrypts signing keys. Only
the two services that call each other get the secret between them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bank.platform_files import ROUTER_CONFIG, platform_file
from bank.variables import VARIABLES
from rest_compat.settings import RestSettings
from router.settings.load import variables_of
from servicekit.settings import FILE_SUFFIX, ProcessSettings, variable_names
from subgraphs.account.settings import AccountSettings
from subgraphs.auth.settings import AuthSettings
from subgraphs.transaction.settings import TransactionSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mosafe.processes import Process

_SETTINGS: Final[Mapping[str, type[ProcessSettings]]] = {
    "auth": AuthSettings,
    "account": AccountSettings,
    "transaction": TransactionSettings,
    "router": ProcessSettings,
    "rest": RestSettings,
}
# Every settings class has this field. But only these processes sign or verify calls between services.
_BETWEEN_SERVICES: Final = "MOSAFE_SERVICE_SECRET"
_CALL_EACH_OTHER: Final = frozenset({"account", "transaction"})


def variables_for(process: Process, environ: Mapping[str, str]) -> dict[str, str]:
    """Return `environ` without those variables of the platform that `process` does not read."""
    own = set(variable_names(_SETTINGS[process.name]))
    if process.name == "router":
        own |= variables_of(platform_file(ROUTER_CONFIG))
    if process.name not in _CALL_EACH_OTHER:
        own.discard(_BETWEEN_SERVICES)
    foreign = VARIABLES.names - own
    return {name: value for name, value in environ.items() if name.removesuffix(FILE_SUFFIX) not in foreign}
