"""Sections are checked as before, although pydantic builds the validator of a section only when it is given a value."""

from __future__ import annotations

import json

import pytest
from pydantic import BaseModel, ValidationError

from router.settings import InvalidSettings, read
from router.settings.model import RouterSettings
from router.settings.section import Section, WhenGiven
from router.settings.sections.server import Server
from tests.servicekit import processes

BUILT = """
import json, sys
from router.settings import read
from router.settings.model import RouterSettings

read(sys.argv[1], {})
print(json.dumps([name for name, key in RouterSettings.model_fields.items()
                  if getattr(key.annotation, "__pydantic_complete__", False)]))
"""


class Inner(Section):
    number: int = 1


class Outer(Section):
    inner: WhenGiven[Inner] = Inner.model_construct()


def sections(model: type[BaseModel]) -> dict[str, type[BaseModel]]:
    return {
        name: key.annotation
        for name, key in model.model_fields.items()
        if isinstance(key.annotation, type) and issubclass(key.annotation, BaseModel)
    }


@pytest.mark.parametrize("name", sections(RouterSettings))
def test_a_default_section_equals_the_checked_one(name: str) -> None:
    section = sections(RouterSettings)[name]
    default, checked = getattr(RouterSettings(), name), section.model_validate({})
    assert default == checked
    assert default.model_dump() == checked.model_dump()


@pytest.mark.parametrize(("text", "built"), [("", []), ("server: {port: 1}\ncors: {}", ["server", "cors"])])
def test_only_given_sections_are_built(text: str, built: list[str]) -> None:
    process = processes.start(BUILT, text)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert json.loads(output) == built


def test_errors_have_the_place_and_the_message() -> None:
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate({"inner": {"number": "x", "other": 1}})
    assert [(error["loc"], error["type"]) for error in caught.value.errors()] == [
        (("inner", "number"), "int_parsing"),
        (("inner", "other"), "extra_forbidden"),
    ]
    with pytest.raises(InvalidSettings, match="server"):
        read("server: 1", {})


def test_a_section_that_is_made_by_a_program_is_kept() -> None:
    server = Server(port=1)
    assert RouterSettings(server=server).server is server
    assert RouterSettings(server={"port": 1}).server == server


def test_the_json_schema_has_an_entry_for_the_section() -> None:
    schema = Outer.model_json_schema()
    assert schema["properties"]["inner"]["$ref"] == "#/$defs/Inner"
    assert schema["$defs"]["Inner"]["properties"]["number"]["type"] == "integer"
