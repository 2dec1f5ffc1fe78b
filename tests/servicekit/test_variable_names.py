from __future__ import annotations

import pytest

from bank.variables import VARIABLES
from servicekit.variable_names import is_service_link, misspelt, nearest


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("ROUTER_INTROSPECTON", "ROUTER_INTROSPECTION"),
        ("ROUTER_INTROSPECTION", None),
        ("ROUTER_INTROSEPCTION", "ROUTER_INTROSPECTION"),
        ("ROUTERINTROSPECTION", "ROUTER_INTROSPECTION"),
        ("router_introspection", "ROUTER_INTROSPECTION"),
        ("ROUTER_WORKER", "ROUTER_WORKERS"),
        ("ROUTER_PROT", "ROUTER_PORT"),
        ("AUTH_JWT_SECERT", "AUTH_JWT_SECRET"),
        ("AUTH_JWT_SECRETS", "AUTH_JWT_SECRET"),
        ("AUHT_PORT", "AUTH_PORT"),
        ("ACCOUNT_MAX_PER_USR", "ACCOUNT_MAX_PER_USER"),
        ("TRANSACTON_DB_URL", "TRANSACTION_DB_URL"),
        # Names of other programs.
        ("TEST_PORT", None),
        ("OAUTH_URL", None),
        ("ROUTER_HOST", None),
        ("ROUTER_NAME", None),
        ("AUTH_HOST", None),
        ("AUTH_TOKEN", None),
        ("DATABASE_URL", None),
        ("PATH", None),
        ("HOME", None),
    ],
)
def test_a_slip_of_the_finger_is_recognised_and_other_names_are_left_alone(name: str, meant: str | None) -> None:
    assert misspelt(name, VARIABLES.names) == meant


def test_no_name_of_ours_is_a_misspelling_of_another() -> None:
    for name in VARIABLES.names:
        assert misspelt(name, VARIABLES.names) is None


def test_a_name_that_is_certainly_ours_gets_the_most_similar_one() -> None:
    assert nearest("MOSAFE_DATA", VARIABLES.names) == "MOSAFE_DATA_DIR"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("ROUTER_SERVICE_HOST", "10.0.0.1", True),
        ("ROUTER_SERVICE_PORT", "4000", True),
        ("AUTH_SERVICE_PORT_HTTP", "3001", True),
        ("ROUTER_PORT", "tcp://10.0.0.1:4000", True),
        ("AUTH_PORT_3001_TCP", "tcp://10.0.0.1:3001", True),
        ("AUTH_PORT_3001_TCP_ADDR", "10.0.0.1", True),
        ("MOSAFE_ROUTER_SERVICE_HOST", "10.0.0.1", True),
        ("MOSAFE_ROUTER_PORT", "udp://[fd00::1]:53", True),
        ("ROUTER_PORT", "4000", False),
        ("MOSAFE_HOST", "10.0.0.1", False),
    ],
)
def test_variables_of_kubernetes_are_recognised(name: str, value: str, *, expected: bool) -> None:
    assert is_service_link(name, value) is expected
