"""What commands import, on which the time of their start depends. Modules are looked for, and no time is measured."""

from __future__ import annotations

import json

from tests.servicekit import processes

COMMANDS = """
import json, sys
import click
from mosafe import cli

for name in sys.argv[1:]:
    assert cli.command.get_command(click.Context(cli.command), name) is not None, name
print(json.dumps(sorted(sys.modules)))
"""
SERVICES = """
import json, sys
import subgraphs.account.app, subgraphs.auth.app, subgraphs.transaction.app

print(json.dumps(sorted(sys.modules)))
"""
# Packages that take long to import. The services need those of GraphQL, but the commands of operators need none of
# them. The services need the drivers only of the servers that are configured.
GRAPHQL = frozenset({"fastapi", "strawberry"})
DRIVERS = frozenset({"aiokafka", "asyncpg", "pymongo", "redis"})


def imported(program: str, *arguments: str) -> set[str]:
    process = processes.start(program, *arguments)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    names: list[str] = json.loads(output)
    return {name.partition(".")[0] for name in names}


def test_commands_of_operators_import_neither_graphql_nor_drivers() -> None:
    names = imported(COMMANDS, "account", "fraud", "payments", "stores", "transaction")
    assert names & (GRAPHQL | DRIVERS) == set()


def test_the_platform_starts_without_what_only_its_processes_need() -> None:
    assert imported(COMMANDS, "up") & (GRAPHQL | DRIVERS | {"graphql", "webauthn"}) == set()


def test_a_service_imports_no_driver_before_it_is_configured() -> None:
    assert imported(SERVICES) & DRIVERS == set()
