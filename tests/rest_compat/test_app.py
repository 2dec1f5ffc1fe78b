from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from rest_compat import openapi
from rest_compat.app import create_app
from rest_compat.cli import command
from rest_compat.settings import RestSettings
from servicekit.errors import ConfigurationError
from tests.rest_compat.fake_bank import SUPERGRAPH

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "cannot read"),
        ("type Query {", "is not a supergraph"),
        ("type Query { a: Unknown }", "is not a supergraph"),
        ("type Query { a: Int }", "does not fit"),
    ],
)
def test_supergraph_that_does_not_fit_stops_the_start(tmp_path: Path, content: str | None, problem: str) -> None:
    file = tmp_path / "supergraph.graphql"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=f"REST_SUPERGRAPH: .*{problem}"):
        create_app(RestSettings.model_validate({"REST_SUPERGRAPH": file}))


def test_checked_in_supergraph_is_the_default() -> None:
    assert RestSettings.model_validate({}).supergraph == SUPERGRAPH


def test_table_and_document_can_be_printed() -> None:
    table = CliRunner().invoke(command, ["routes"])
    assert len(table.output.splitlines()) == 16
    document = CliRunner().invoke(command, ["openapi"])
    assert json.loads(document.output) == json.loads(json.dumps(openapi.document()))
