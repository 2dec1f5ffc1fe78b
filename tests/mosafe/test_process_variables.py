from __future__ import annotations

from typing import Final

import pytest

from bank.variables import VARIABLES
from mosafe.process_variables import variables_for
from mosafe.processes import PROCESSES, SANDBOX_PROVIDER

EVERYTHING: Final = dict.fromkeys(VARIABLES.names, "x") | {f"{name}_FILE": "x" for name in VARIABLES.secrets}
BY_NAME: Final = {process.name: process for process in (*PROCESSES, SANDBOX_PROVIDER)}


def secrets_of(name: str) -> set[str]:
    return {
        variable.removesuffix("_FILE")
        for variable in variables_for(BY_NAME[name], {**EVERYTHING, "PATH": "/bin"})
        if variable.removesuffix("_FILE") in VARIABLES.secrets
    }


OF_EACH_SERVICE = {"DPOP_NONCE_SECRET", "REDIS_URL", "SUBGRAPH_SIGNATURE_SECRET", "SUBGRAPH_SIGNATURE_OLD_SECRET"}
OF_AUTH = {"AUTH_JWT_SECRET", "AUTH_JWT_NEW_SECRET", "AUTH_DB_URL", "AUTH_SMTP_URL", "AUTH_AUDIT_KEY"}
OF_BOUND_TOKENS = {"DPOP_NONCE_SECRET", "DPOP_STATEMENT_SECRET"}
OF_PAYMENTS = {"PAYMENT_PROVIDER_KEY", "PAYMENT_WEBHOOK_SECRET", "PAYMENT_WEBHOOK_OLD_SECRET"}


@pytest.mark.parametrize(
    ("name", "secrets"),
    [
        ("auth", {*OF_EACH_SERVICE, *OF_AUTH, "MOSAFE_SERVICE_SECRET"}),
        ("account", {*OF_EACH_SERVICE, "ACCOUNT_DB_URL", "ACCOUNT_LEDGER_KEY", "MOSAFE_SERVICE_SECRET"}),
        ("transaction", {*OF_EACH_SERVICE, *OF_PAYMENTS, "TRANSACTION_DB_URL", "MOSAFE_SERVICE_SECRET"}),
        ("sandbox-provider", OF_PAYMENTS),
        ("router", {"REDIS_URL", "SUBGRAPH_SIGNATURE_SECRET", *OF_BOUND_TOKENS}),
        ("rest", OF_BOUND_TOKENS),
    ],
)
def test_a_process_gets_its_own_secrets_and_no_others(name: str, secrets: set[str]) -> None:
    """Fails on the code of before: every process got every variable."""
    assert secrets_of(name) == secrets


def test_a_process_keeps_its_own_variables_and_those_of_other_programs() -> None:
    given = variables_for(BY_NAME["router"], {**EVERYTHING, "PATH": "/bin", "LANG": "C"})
    assert {"PATH", "LANG", "MOSAFE_ENV", "ROUTER_PORT", "ROUTER_INTROSPECTION", "AUTH_URL"} <= given.keys()
    assert not {"AUTH_PORT", "REST_PORT", "ROUTER_URL"} & given.keys()


@pytest.mark.parametrize(
    ("given", "host", "expected"),
    [
        ("", "", "127.0.0.0/8,::1/128"),
        ("none", "0.0.0.0", "127.0.0.0/8,::1/128"),
        ("10.0.0.0/8", "192.0.2.5", "10.0.0.0/8,127.0.0.0/8,::1/128,192.0.2.5"),
    ],
)
def test_processes_behind_rest_believe_the_platform_itself(given: str, host: str, expected: str) -> None:
    """With the network of a proxy only, all clients had the address of the router, and one limit."""
    environ = {"MOSAFE_TRUSTED_PROXIES": given, "MOSAFE_HOST": host}
    assert variables_for(BY_NAME["rest"], environ)["MOSAFE_TRUSTED_PROXIES"] == given
    for name in ("router", "auth", "account", "transaction"):
        assert variables_for(BY_NAME[name], environ)["MOSAFE_TRUSTED_PROXIES"] == expected


def test_together_the_processes_get_everything_but_what_is_for_backups() -> None:
    got = set().union(*(variables_for(process, EVERYTHING) for process in (*PROCESSES, SANDBOX_PROVIDER)))
    for_backups = {name for name in EVERYTHING if name.startswith("BACKUP_")}
    assert len(for_backups) == 8
    assert got == EVERYTHING.keys() - for_backups
