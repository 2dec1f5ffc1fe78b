"""A running platform with customers who have money, and the processor time and memory of its processes."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, NamedTuple
from uuid import uuid4

from benchmarks.bank.http_load import http_request
from tests.e2e.platform import start_platform

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import psutil

    from tests.e2e.platform import Platform

CURRENCY: Final = "EUR"
# The bundled fraud rules ask for a review if a user gives more than 120 orders a minute to more than 25 accounts. So
# the load is spread over this many customers.
CUSTOMERS: Final = 40
SERVICES: Final = ("auth", "account", "transaction", "router", "rest")
_COMMANDS: Final = re.compile(r"-m (?:mosafe )?(auth|account|transaction|router|rest)\b")


class Customer(NamedTuple):
    """A customer with one account."""

    token: str
    refresh_token: str
    account_id: str


class RunningPlatform(NamedTuple):
    """A platform on a free port, and its customers."""

    platform: Platform
    processes: Mapping[str, psutil.Process]
    customers: list[Customer]

    def renew_tokens(self) -> None:
        """Exchange the access tokens of all customers, which expire after ten minutes, for new ones."""
        for number, customer in enumerate(self.customers):
            session = self.platform.call("POST", "/api/auth/refresh", json={"refreshToken": customer.refresh_token})
            self.customers[number] = customer._replace(
                token=session["accessToken"], refresh_token=session["refreshToken"]
            )

    @property
    def rest_port(self) -> int:
        return self.platform.ports["REST_PORT"]

    def processor_seconds(self) -> dict[str, float]:
        """Return the processor time that each service has used so far."""
        times = {name: process.cpu_times() for name, process in self.processes.items()}
        return {name: used.user + used.system for name, used in times.items()}

    def memory(self) -> dict[str, float]:
        """Return the memory of each service that is not shared with other processes (USS), in MB."""
        return {name: process.memory_full_info().uss / 1e6 for name, process in self.processes.items()}

    def transfers(self, count: int, *, hot: bool = False) -> Iterator[bytes]:
        """Yield requests for transfers of one cent.

        The customers take turns. Each pays the next one; if `hot`, all pay the first one.
        """
        customers = self.customers[1:] if hot else self.customers
        for number in range(count):
            payer = customers[number % len(customers)]
            receiver = self.customers[0 if hot else (number + 1) % len(customers)]
            order = {
                "sourceAccountId": payer.account_id,
                "destinationAccountId": receiver.account_id,
                "amount": "0.01",
                "currency": CURRENCY,
                "metadata": {"reference": uuid4().hex},
            }
            yield http_request("POST", "/api/transactions/transfer", payer.token, json.dumps(order).encode())

    def lists(self, count: int) -> Iterator[bytes]:
        """Yield requests for lists of 20 transactions."""
        for number in range(count):
            customer = self.customers[number % len(self.customers)]
            yield http_request("GET", "/api/transactions?limit=20", customer.token)


@contextmanager
def running_platform(**variables: str) -> Iterator[RunningPlatform]:
    """Run `mosafe up` with its default settings and `variables`, and register customers."""
    limits = {"AUTH_REGISTRATIONS_PER_ADDRESS": "1000"}
    with TemporaryDirectory() as folder:
        platform = start_platform(Path(folder), **limits, **variables)
        try:
            yield RunningPlatform(platform, _processes(platform), _customers(platform))
        finally:
            platform.stop()


def _processes(platform: Platform) -> dict[str, psutil.Process]:
    found = {}
    for child in platform.children():
        match = _COMMANDS.search(" ".join(child.cmdline()))
        if match is not None:
            found[match[1]] = child
    return {name: found[name] for name in SERVICES}


def _customers(platform: Platform) -> list[Customer]:
    customers = []
    for number in range(CUSTOMERS):
        person = platform.register(f"Customer {number}")
        account = platform.open_account(person, deposit="100000.00", currency=CURRENCY)
        customers.append(Customer(person.access_token, person.refresh_token, account["id"]))
    return customers
