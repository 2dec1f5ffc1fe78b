"""What `router serve` imports, on which the time of its start depends. Modules are counted, and no time is measured."""

from __future__ import annotations

import json

from tests.servicekit import processes

PROGRAM = """
import json, sys
import click
from router import cli

cli.command.get_command(click.Context(cli.command), "serve")
sys.modules["router.settings"].read("", {})
print(json.dumps(sorted(sys.modules)))
"""
# Packages that only some configurations need, and that take long to import.
LATER = (
    "asyncpg",
    "cryptography",
    "dotenv",
    "httpx",
    "jwt",
    "redis",
    "rich",
    "router.composition",
    "router.executor.compiled.compile_plan",
    "router.policies.authentication.authentication_stage",
    "router.policies.authorization",
    "router.policies.demand_control",
    "router.policies.idempotency",
    "router.policies.operation_sharing",
    "router.policies.rate_limits",
    "router.schema_check",
    "router.usage",
    "ruamel",
    "servicekit.http_signatures.request_signer",
    "servicekit.http_signatures.signature_fields",
    "sqlite3",
    "uvicorn.protocols.http",
    "websockets",
)
# A little more than there are, so that a new module of a small size does not fail the test.
MAX_OWN = 375
MAX_OTHERS = 535


def imported() -> list[str]:
    process = processes.start(PROGRAM)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    names: list[str] = json.loads(output)
    return names


def test_what_few_configurations_need_is_imported_later() -> None:
    names = imported()
    assert [name for name in names if any(name == later or name.startswith(f"{later}.") for later in LATER)] == []
    own = [name for name in names if name.partition(".")[0] in {"router", "servicekit"}]
    assert len(own) <= MAX_OWN
    assert len(names) - len(own) <= MAX_OTHERS
