"""Options that make the long tests run longer, for runs by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("mosafe")
    group.addoption("--crash-rounds", type=int, default=5, help="how many processes the crash test kills")
    group.addoption("--composition-inputs", type=int, default=600, help="how many spoiled schemas are composed")
    group.addoption("--fuzz-requests", type=int, default=150, help="how many requests the REST fuzz test sends")
    group.addoption(
        "--graphql-fuzz-requests",
        type=int,
        default=60,
        help="how many operations the GraphQL fuzz test sends to each port",
    )
    group.addoption("--reloads", type=int, default=5, help="how often the memory test reloads the router")
    group.addoption("--hostile-requests", type=int, default=1_500, help="how many hostile requests the five ports get")
    group.addoption("--load-seconds", type=float, default=8, help="how long the mixed load runs")
    group.addoption("--browser-pages", action="store_true", help="look at every page with Chromium (make browser)")
    group.addoption("--http-fuzz-requests", type=int, default=300, help="how many requests the HTTP fuzz test sends")
