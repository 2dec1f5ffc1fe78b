"""Runs all checks at the same time, each with a limit of time."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import TYPE_CHECKING, Final

from mosafe.doctor.findings import Context, Finding, failed
from mosafe.doctor.local_checks import check_backups, check_disk, check_names, check_secrets, check_settings
from mosafe.doctor.process_checks import check_ports, check_supergraph
from mosafe.doctor.server_checks import check_kafka, check_redis, check_stores
from mosafe.doctor.tls_check import check_tls

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mosafe.doctor.findings import Check

# The longest time of one check. The checks themselves wait 3 seconds for a server.
MAX_SECONDS: Final = 15.0
# Maps the scheme of a store's URL to the modules that its check needs.
_DRIVERS: Final[Mapping[str, Sequence[str]]] = {
    "mongodb": ("pymongo", "subgraphs.kit.mongo_store"),
    "postgresql": ("asyncpg", "subgraphs.kit.postgres_failures"),
    "postgres": ("asyncpg", "subgraphs.kit.postgres_failures"),
}
CHECKS: Final[Mapping[str, Check]] = {
    "settings": check_settings,
    "secrets": check_secrets,
    "disk": check_disk,
    "names": check_names,
    "tls": check_tls,
    "stores": check_stores,
    "redis": check_redis,
    "kafka": check_kafka,
    "ports": check_ports,
    "supergraph": check_supergraph,
    "backups": check_backups,
}


async def run_checks(environ: Mapping[str, str], checks: Mapping[str, Check] = CHECKS) -> list[Finding]:
    """Run `checks`, and return their findings in the order of the table."""
    context = Context.of(environ)
    _import_drivers(context)
    found = await asyncio.gather(*(_bounded(name, check, context) for name, check in checks.items()))
    return [finding for findings in found for finding in findings]


def _import_drivers(context: Context) -> None:
    """Import the drivers of the configured servers. An import takes long, and no check shall wait for another's."""
    needed = [module for each in context.settings.values() for module in _DRIVERS.get(each.store.scheme, ())]
    if context.brokers is not None:
        needed.append("aiokafka.admin")
    if context.any_settings is not None and context.any_settings.redis_url is not None:
        needed.append("redis.asyncio")
    for module in needed:
        import_module(module)


async def _bounded(name: str, check: Check, context: Context) -> list[Finding]:
    try:
        async with asyncio.timeout(MAX_SECONDS):
            return await check(context)
    except TimeoutError:
        return [failed(name, f"no result in {MAX_SECONDS:g} s", "look at the load of this machine")]
    except Exception as error:  # noqa: BLE001 - one check must not hide the findings of the others
        # The message could contain a part of a URL with its password, so it is not printed.
        return [failed(name, f"the check itself failed: {type(error).__name__}", "report it as a bug")]
