"""All routers of the race, ours first: its responses are the expected ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from benchmarks.race.routers.absent_routers import APOLLO_ROUTER, COSMO_ROUTER
from benchmarks.race.routers.hive_router import HiveRouter
from benchmarks.race.routers.node_gateways import APOLLO_GATEWAY, HIVE_GATEWAY, HIVE_GATEWAY_NATIVE, MERCURIUS
from benchmarks.race.routers.ours import Ours, OursWithPolicies

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.race.routers.router import Router

ROUTERS: Final[Sequence[Router]] = (
    Ours(),
    OursWithPolicies(),
    HiveRouter(),
    COSMO_ROUTER,
    APOLLO_ROUTER,
    HIVE_GATEWAY_NATIVE,
    HIVE_GATEWAY,
    APOLLO_GATEWAY,
    MERCURIUS,
)
