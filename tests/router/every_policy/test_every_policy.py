"""`router.yaml` of this folder has every policy on. A new policy that is missing in the file fails a test."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING, Any

import pytest

from router import supergraph as supergraphs
from router.gateway_assembly import assemble
from router.policies.limit_checker import LimitChecker
from router.policies.policy_order import EMBEDDED_STAGES, ORDER
from router.policies.policy_setup import PolicySetup
from router.settings.all_keys import keys
from router.settings.load import load
from router.settings.model import RouterSettings
from router.transport import layers
from router.transport.layers.fetch_totals import FetchTotalsLayer
from tests.router.every_policy import configuration
from tests.router.every_policy.shop_with_policy_directives import supergraph

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from router.gateway_assembly import GatewayParts

BASE = "http://127.0.0.1:9"
SERVERS = {"people": [f"{BASE}/a", f"{BASE}/b"], "orders": [f"{BASE}/c", f"{BASE}/d"]}

# Sections and keys that are not policies: how the process runs, where its files are, and pages for people.
NOT_POLICIES = {"server", "supergraph", "reload", "warm_up", "admin", "ide", "planner", "cache", "batching", "tls"}


def settings_of(variant: str, folder: Path) -> RouterSettings:
    path = configuration.write(folder, configuration.VARIANTS[variant], {"override_subgraph_url": SERVERS})
    return load(path, {configuration.REDIS_VARIABLE: "redis://127.0.0.1:9"}, subgraphs=SERVERS)


@pytest.fixture(params=configuration.VARIANTS)
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> RouterSettings:
    return settings_of(request.param, tmp_path)


@pytest.fixture
def all_settings(tmp_path: Path) -> list[RouterSettings]:
    """The settings of each variant."""
    folders = [tmp_path / str(number) for number in range(len(configuration.VARIANTS))]
    for folder in folders:
        folder.mkdir()
    return [settings_of(name, folder) for name, folder in zip(configuration.VARIANTS, folders, strict=True)]


async def test_each_policy_has_a_stage(all_settings: list[RouterSettings]) -> None:
    graph = supergraphs.load(supergraph(BASE))
    on = set()
    for settings in all_settings:
        inputs = PolicySetup(graph, settings, LimitChecker(settings.limits))
        for policy in ORDER:
            stage = policy.configured(inputs)
            if stage is not None:
                on.add(policy.name)
                await stage.aclose()
    assert {policy.name for policy in ORDER if policy is not EMBEDDED_STAGES} - on == set()


async def test_each_layer_of_the_transport_is_used(settings: RouterSettings) -> None:
    parts = assemble(supergraphs.load(supergraph(BASE)), settings)
    assert layer_classes() - set(layers_of(parts)) - {FetchTotalsLayer} == set()
    await parts.transport.aclose()
    await parts.stages.aclose()


def layer_classes() -> set[type]:
    """The classes of `router/transport/layers` that are transports."""
    modules = [
        importlib.import_module(f"{layers.__name__}.{each.name}") for each in pkgutil.iter_modules(layers.__path__)
    ]
    return {
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and value.__module__ == module.__name__ and hasattr(value, "send")
    }


def layers_of(parts: GatewayParts) -> Iterator[type]:
    """The class of the transport, and of each transport inside it."""
    waiting: list[Any] = [parts.transport]
    while waiting:
        transport = waiting.pop()
        yield type(transport)
        slots = [name for class_ in type(transport).__mro__ for name in getattr(class_, "__slots__", ())]
        inner = [*vars(transport).values()] if hasattr(transport, "__dict__") else []
        inner += [getattr(transport, name) for name in slots if hasattr(transport, name)]
        waiting += [each for each in inner if hasattr(each, "send") and hasattr(each, "aclose")]


def test_each_section_of_the_settings_is_in_the_file() -> None:
    variants = [
        configuration.merge(configuration.parsed(configuration.FILE), each) for each in configuration.VARIANTS.values()
    ]
    given = {*(name for variant in variants for name in variant), "override_subgraph_url"}
    assert set(RouterSettings.model_fields) - given - NOT_POLICIES == set()


def test_each_switch_of_a_policy_is_on(all_settings: list[RouterSettings]) -> None:
    switches = [key.path for key in keys() if key.path.endswith((".enabled", ".mode")) and "<name>" not in key.path]
    off = [path for path in switches if {value_at(each, path) for each in all_settings} <= {False, "off", "disabled"}]
    assert [path for path in off if path.partition(".")[0] not in NOT_POLICIES] == []


def value_at(settings: RouterSettings, path: str) -> object:
    value: object = settings
    for name in path.split("."):
        value = getattr(value, name)
    return value
