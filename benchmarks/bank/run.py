"""Measures the bank: transfers, lists, fraud decisions, growth of the stores, and memory.

    python -m benchmarks.bank.run [--only PART]... [--mongo] [--requests N]

Each figure is printed with its bound. Rates and response times depend on what else the machine does; processor time
does so less. `docs/architecture.md` ("What a transfer costs") has figures and how they came about.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Final

import click

from benchmarks.bank.figures import Figure, percentile, print_figures
from benchmarks.bank.growth import growth
from benchmarks.bank.memory import memory
from benchmarks.bank.paced_load import paced_transfers
from benchmarks.bank.request_cost import request_costs
from benchmarks.bank.running_platform import running_platform
from benchmarks.bank.store_rate import store_rates
from benchmarks.fraud.run import measure as fraud_decisions

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


PARTS: Final = ("store", "requests", "paced", "growth", "fraud", "memory")
# The memory part sends this many requests; the bound is meant for 100,000, which take a quarter of an hour.
MEMORY_REQUESTS: Final = 10_000


@click.command()
@click.option("--only", "parts", multiple=True, type=click.Choice(PARTS), help="Measure only this part.")
@click.option("--mongo", is_flag=True, help="Measure the store on a MongoDB server, too, which is started.")
@click.option("--requests", default=2_000, show_default=True, help="Transfers and lists of each load.")
@click.option("--memory-requests", default=MEMORY_REQUESTS, show_default=True, help="Requests before memory is read.")
@click.option("--most", default=1_000_000, show_default=True, help="Transactions of the largest store.")
def main(parts: Sequence[str], requests: int, memory_requests: int, most: int, *, mongo: bool) -> None:
    """Measure the bank, and print a table."""
    averages = " ".join(f"{average:.1f}" for average in os.getloadavg())
    click.echo(f"load average {averages}, {os.cpu_count()} cores")
    print_figures(_figures(parts or PARTS, requests, memory_requests, most, mongo=mongo))


def _figures(parts: Sequence[str], requests: int, memory_requests: int, most: int, *, mongo: bool) -> Iterator[Figure]:
    if "store" in parts:
        for is_mongo in (False, True) if mongo else (False,):
            yield from asyncio.run(store_rates(requests, mongo=is_mongo))
    if {"requests", "paced", "memory"} & set(parts):
        yield from _of_the_platform(parts, requests, memory_requests)
    if "growth" in parts:
        yield from asyncio.run(growth(most))
    if "fraud" in parts:
        for users, taken in asyncio.run(fraud_decisions(None, requests)).items():
            yield Figure(f"fraud decision, p99, {users} users", percentile(taken, 0.99), "ms", most=5)


def _of_the_platform(parts: Sequence[str], requests: int, memory_requests: int) -> Iterator[Figure]:
    with running_platform() as platform:
        if "requests" in parts:
            yield from asyncio.run(request_costs(platform, requests))
        if "paced" in parts:
            yield from asyncio.run(paced_transfers(platform, requests))
        if "memory" in parts:
            yield from memory(platform, memory_requests)


if __name__ == "__main__":
    main()
