from __future__ import annotations

import json
from typing import TYPE_CHECKING

import httpx
import pytest
from click.testing import CliRunner, Result

from router.cli import command
from router.composition.config import ConfigError, read_config
from router.composition.sources import introspect, load_subgraphs
from servicekit.errors import StartupError

if TYPE_CHECKING:
    from pathlib import Path

USERS = """
extend schema @link(url: "https://specs.apollo.dev/federation/v2.11", import: ["@key"])

type Query { me: User }

type User @key(fields: "id") { id: ID! }
"""
BROKEN = USERS.replace('fields: "id"', 'fields: "uuid"')


def _config(folder: Path, sdl: str) -> Path:
    (folder / "users.graphql").write_text(sdl)
    config = folder / "supergraph.yaml"
    config.write_text(
        "federation_version: =2.11\n"
        "subgraphs:\n"
        "  users:\n"
        "    routing_url: http://users.test/graphql\n"
        "    schema:\n"
        "      file: users.graphql\n"
    )
    return config


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(command, ["compose", *arguments])


def test_the_supergraph_is_written_to_the_output(tmp_path: Path) -> None:
    output = tmp_path / "supergraph.graphql"
    result = _run("--config", str(_config(tmp_path, USERS)), "--output", str(output))
    assert result.exit_code == 0, result.output
    assert '@join__graph(name: "users", url: "http://users.test/graphql")' in output.read_text()


def test_without_output_the_supergraph_is_all_of_stdout(tmp_path: Path) -> None:
    result = _run("--config", str(_config(tmp_path, USERS)))
    assert result.stdout.startswith("schema\n  @link(")


def test_an_error_shows_place_line_caret_and_code(tmp_path: Path) -> None:
    output = tmp_path / "supergraph.graphql"
    result = _run("--config", str(_config(tmp_path, BROKEN)), "--output", str(output))
    assert result.exit_code == 1
    assert not output.exists()
    assert result.stderr.splitlines()[:3] == [
        (
            'users:6:11: error[KEY_INVALID_FIELDS]: [users] On User, for @key(fields: "uuid"): '
            'there is no field "uuid" on User.'
        ),
        '  6 | type User @key(fields: "uuid") { id: ID! }',
        "    |           ^",
    ]


def test_json_has_codes_and_locations(tmp_path: Path) -> None:
    result = _run(
        "--config", str(_config(tmp_path, BROKEN)), "--output", str(tmp_path / "out.graphql"), "--format", "json"
    )
    assert result.exit_code == 1
    (error,) = json.loads(result.stdout)["errors"]
    assert error["code"] == "KEY_INVALID_FIELDS"
    assert error["locations"] == [{"subgraph": "users", "line": 6, "column": 11}]


@pytest.mark.parametrize("form", ["github", "sarif", "junit"])
def test_the_other_formats_name_the_code(tmp_path: Path, form: str) -> None:
    result = _run(
        "--config", str(_config(tmp_path, BROKEN)), "--output", str(tmp_path / "out.graphql"), "--format", form
    )
    assert "KEY_INVALID_FIELDS" in result.stdout


def test_a_missing_schema_file_makes_the_start_impossible(tmp_path: Path) -> None:
    config = _config(tmp_path, USERS)
    (tmp_path / "users.graphql").unlink()
    result = _run("--config", str(config))
    assert isinstance(result.exception, StartupError)
    assert "users.graphql" in str(result.exception)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("subgraphs: {a: {schema: {file: x}}}", '1: "a" needs a routing_url'),
        ("subgraphs:\n  a:\n    routing_url: u\n    schema: {}", '4: the schema of "a" needs exactly one of'),
        ("subgraph: {}", '1: unknown key "subgraph", did you mean "subgraphs"?'),
        ("federation_version: =3.0\nsubgraphs: {}", '1: federation_version "=3.0" is not known'),
        ("subgraphs: {}", "1: no subgraph is listed"),
        ("subgraphs:\n  a:\n    routing_url: ${env.NOPE}\n    schema: {file: x}", "3: the environment variable NOPE"),
        ("a: [", "1: "),
    ],
)
def test_a_bad_configuration_is_told_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    config = tmp_path / "supergraph.yaml"
    config.write_text(text)
    with pytest.raises(ConfigError) as error:
        read_config(config, {})
    assert f"supergraph.yaml:{message}" in str(error.value)


def test_environment_variables_are_expanded(tmp_path: Path) -> None:
    config = tmp_path / "supergraph.yaml"
    config.write_text(
        "subgraphs:\n  a:\n    routing_url: ${env.SCHEME:-http}://${env.HOST}/graphql\n"
        "    schema: {sdl: 'type Query { a: Int }'}\n"
    )
    (source,) = read_config(config, {"HOST": "a.test"})
    assert source.routing_url == "http://a.test/graphql"


def test_a_running_subgraph_is_asked_for_its_sdl(tmp_path: Path) -> None:
    config = tmp_path / "supergraph.yaml"
    config.write_text(
        "subgraphs:\n  users:\n    schema:\n      subgraph_url: http://users.test/graphql\n"
        "      introspection_headers: {X-Key: '${env.KEY}'}\n"
    )

    def service(request: httpx.Request) -> httpx.Response:
        assert request.headers["X-Key"] == "secret"
        return httpx.Response(200, json={"data": {"_service": {"sdl": USERS}}})

    (subgraph,) = load_subgraphs(read_config(config, {"KEY": "secret"}), 1.0, httpx.MockTransport(service))
    assert (subgraph.url, subgraph.sdl) == ("http://users.test/graphql", USERS)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(500),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json={"data": None}),
        httpx.Response(200, json={"errors": [{"message": "no"}]}),
    ],
)
def test_what_is_no_subgraph_is_refused(answer: httpx.Response) -> None:
    with pytest.raises(ConfigError, match=r"users\.test"):
        introspect("http://users.test", {}, 1.0, httpx.MockTransport(lambda _: answer))
