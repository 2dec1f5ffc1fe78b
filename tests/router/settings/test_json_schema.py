"""The JSON Schema of `router.yaml` agrees with the router."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema  # type: ignore[import-untyped]  # publishes no types
import pytest
from ruamel.yaml import YAML

from router.settings import InvalidSettings, RouterSettings, read
from router.settings.json_schema import json_schema
from router.strict_model import StrictModel, descriptions

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
VALIDATOR = jsonschema.Draft202012Validator(json_schema())


def accepts(text: str) -> bool:
    return bool(VALIDATOR.is_valid(YAML(typ="safe", pure=True).load(text)))


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())


def test_the_one_checked_in_is_fresh() -> None:
    checked_in = json.loads((ROOT / "router" / "settings" / "schema.json").read_text())
    assert checked_in == json_schema(), "run: router config schema > router/settings/schema.json"


def test_the_banks_configuration_fits() -> None:
    assert accepts((ROOT / "router.yaml").read_text())


def undescribed() -> Iterator[str]:
    schema = json_schema()
    for name, definition in {"": schema, **schema["$defs"]}.items():
        for key, value in definition.get("properties", {}).items():
            section = schema["$defs"].get(value.get("$ref", "").removeprefix("#/$defs/"), {})
            if name not in {"FromEnv", "FromFile"} and not (value.get("description") or section.get("description")):
                yield f"{name}.{key}"


def test_every_key_says_what_it_does() -> None:
    assert list(undescribed()) == []


@pytest.mark.parametrize(
    "text",
    [
        "server: {port: 1}",
        "server: {port: {from_env: P}}",
        "server: {port: {from_env: P, default: 4000}}",
        "server: {host: {from_file: x}}",
        "traffic: {request_timeout: 30s, all: {timeout: 1.5}}",
        "limits: {depth: null}",
        "headers: {all: {request: [{insert: {name: a, value: {from_env: X}}}]}}",
        "override_subgraph_url: {any: {from_env: X}}",
        "cors: {origins: ['*']}",
    ],
)
def test_the_schema_accepts_what_the_router_accepts(text: str) -> None:
    assert accepts(text)
    read(text.replace("host: {from_file: x}", "host: x"), {"P": "1", "X": "http://x/"})


@pytest.mark.parametrize(
    "text",
    [
        "server: {prot: 1}",
        "servers: {}",
        "server: {port: []}",
        "server: {port: 70000}",
        "server: {port: {from_env: P, defualt: 1}}",
        "traffic: {request_timeout: 30x}",
        "limits: {depth: 0}",
        "headers: {all: {request: [{insert: {name: a}}]}}",
        "errors: {mask: {}}",
    ],
)
def test_the_router_refuses_what_the_schema_refuses(text: str) -> None:
    assert not accepts(text)
    with pytest.raises(InvalidSettings):
        read(text, {"P": "1"})


def test_defaults_in_the_schema_are_those_of_the_model() -> None:
    found = json_schema()["$defs"]["Server"]["properties"]["port"]["default"]
    assert found == RouterSettings().server.port


class Parent(StrictModel):
    kept: int = 1
    """Described by the parent."""
    changed: int = 1
    """Described by the parent too."""


class Child(Parent):
    changed: int = 2
    """Described by
    the child."""
    silent: int = 3


def test_a_key_is_described_by_the_docstring_below_it_or_below_that_of_the_parent() -> None:
    expected = {"kept": "Described by the parent.", "changed": "Described by\nthe child."}
    assert descriptions(Child) == expected
    properties = Child.model_json_schema()["properties"]
    assert {name: each.get("description") for name, each in properties.items()} == {**expected, "silent": None}
