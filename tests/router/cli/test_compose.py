"""`router compose`: files, formats, exit codes, and running subgraphs.

Covers `router/cli/composition_output.py`, `router/cli/file_io.py`,
`router/cli/tune_garbage_collection_of_composition.py`,
`router/composition/supergraph_yaml.py` and `router/composition/subgraph_loading.py`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result

from router.cli import command
from router.composition.file_locations import SourceFile
from router.composition.subgraph_loading import load_subgraphs
from router.composition.supergraph_yaml import ConfigError, read_config
from servicekit.errors import StartupError

USERS = """
extend schema @link(url: "https://specs.apollo.dev/federation/v2.11", import: ["@key"])

type Query { me: User }

type User @key(fields: "id") { id: ID! }
"""
FULL = Path("/dev/full")
BROKEN = USERS.replace('fields: "id"', 'fields: "uuid"')


def write_config(folder: Path, sdl: str) -> Path:
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


def test_the_policies_that_the_router_must_know_are_named(tmp_path: Path) -> None:
    sdl = USERS.replace('["@key"]', '["@key", "@policy"]').replace(
        "id: ID!", 'id: ID! salary: Int @policy(policies: [["manager", "hr"], ["audit"]])'
    )
    output = tmp_path / "supergraph.graphql"
    result = _run("--config", str(write_config(tmp_path, sdl)), "--output", str(output))
    assert result.exit_code == 0
    assert "policies (authorization.policies): audit, hr, manager\n" in result.output
    assert "policies" not in _run("--config", str(write_config(tmp_path, USERS)), "--output", str(output)).output


def test_the_supergraph_is_written_to_the_output(tmp_path: Path) -> None:
    output = tmp_path / "supergraph.graphql"
    result = _run("--config", str(write_config(tmp_path, USERS)), "--output", str(output))
    assert result.exit_code == 0, result.output
    assert '@join__graph(name: "users", url: "http://users.test/graphql")' in output.read_text()


def test_without_output_the_supergraph_is_all_of_stdout(tmp_path: Path) -> None:
    result = _run("--config", str(write_config(tmp_path, USERS)))
    assert result.stdout.startswith("schema\n  @link(")


def test_an_error_shows_place_line_caret_code_and_advice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    output = tmp_path / "supergraph.graphql"
    result = _run("--config", str(write_config(tmp_path, BROKEN)), "--output", str(output))
    assert result.exit_code == 1
    assert not output.exists()
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        (
            'users:6:11: error[KEY_INVALID_FIELDS]: [users] On User, for @key(fields: "uuid"): '
            'there is no field "uuid" on User.'
        ),
        "  --> users.graphql:6:11",
        '  6 | type User @key(fields: "uuid") { id: ID! }',
        "    |           ^",
        (
            "  help: Select only fields that the type declares in this subgraph, and select into those that return "
            "objects. (router explain KEY_INVALID_FIELDS)"
        ),
        "",
        "1 error: the subgraphs do not compose.",
    ]


def test_json_is_all_of_stdout_with_the_supergraph_in_it(tmp_path: Path) -> None:
    result = _run("--config", str(write_config(tmp_path, USERS)), "--format", "json")
    report = json.loads(result.stdout)
    assert report["ok"]
    assert "@join__graph" in report["supergraph"]
    assert report["errors"] == []


@pytest.mark.parametrize("form", ["json", "github", "sarif", "junit"])
def test_a_format_for_programs_goes_to_stdout_and_errors_set_the_exit_code(tmp_path: Path, form: str) -> None:
    result = _run("--config", str(write_config(tmp_path, BROKEN)), "--format", form)
    assert result.exit_code == 1
    assert "KEY_INVALID_FIELDS" in result.stdout
    assert result.stderr == "1 error: the subgraphs do not compose.\n"


def test_the_file_of_a_finding_is_named_from_where_the_command_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "graph").mkdir()
    config = write_config(tmp_path / "graph", BROKEN)
    monkeypatch.chdir(tmp_path)
    result = _run("--config", str(config), "--format", "github")
    assert result.stdout.startswith("::error file=graph/users.graphql,line=6,col=11,title=KEY_INVALID_FIELDS::")


@pytest.mark.parametrize(
    ("style", "place"),
    [
        ("|", "line=7,col=16"),
        (">", "line=5,col=1"),
    ],
)
def test_an_error_in_an_inline_schema_points_into_the_configuration(tmp_path: Path, style: str, place: str) -> None:
    config = tmp_path / "supergraph.yaml"
    config.write_text(
        "subgraphs:\n  users:\n    routing_url: http://users.test\n    schema:\n"
        f"      sdl: {style}\n"
        "        type Query {\n"
        "          me: [Usr]\n"
        "        }\n"
    )
    result = _run("--config", str(config), "--format", "github")
    assert "title=INVALID_GRAPHQL" in result.stdout
    assert place in result.stdout


def test_an_unchanged_output_is_not_written(tmp_path: Path) -> None:
    output = tmp_path / "supergraph.graphql"
    config = str(write_config(tmp_path, USERS))
    _run("--config", config, "--output", str(output))
    written = output.stat()
    assert _run("--config", config, "--output", str(output)).exit_code == 0
    assert output.stat().st_mtime_ns == written.st_mtime_ns
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "supergraph.graphql",
        "supergraph.yaml",
        "users.graphql",
    ]


def test_an_output_that_cannot_be_written_stops_the_command(tmp_path: Path) -> None:
    result = _run("--config", str(write_config(tmp_path, USERS)), "--output", str(tmp_path / "nowhere" / "out.graphql"))
    assert isinstance(result.exception, StartupError)


def test_a_file_that_is_not_regular_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    config = str(write_config(tmp_path, USERS))
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as reader:
        text = reader.submit(pipe.read_text)
        assert _run("--config", config, "--output", str(pipe)).exit_code == 0
    assert "join__Graph" in text.result()
    assert pipe.is_fifo()


def test_an_output_that_is_a_link_remains_a_link(tmp_path: Path) -> None:
    (tmp_path / "link.graphql").symlink_to("real.graphql")
    _run("--config", str(write_config(tmp_path, USERS)), "--output", str(tmp_path / "link.graphql"))
    assert (tmp_path / "link.graphql").is_symlink()
    assert "join__Graph" in (tmp_path / "real.graphql").read_text()


@pytest.mark.skipif(not FULL.exists(), reason="this system has no device that is always full")
@pytest.mark.parametrize("form", ["text", "json"])
def test_a_full_disk_behind_stdout_is_reported(tmp_path: Path, form: str) -> None:
    config = write_config(tmp_path, USERS)
    with FULL.open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "router", "compose", "--config", str(config), "--format", form],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (ended.returncode, ended.stderr) == (2, "router: stdout: cannot be written: No space left on device\n")


def test_watching_needs_a_file_to_write(tmp_path: Path) -> None:
    result = _run("--config", str(write_config(tmp_path, USERS)), "--watch")
    assert result.exit_code == 2
    assert "--output" in result.stderr


def test_a_missing_schema_file_stops_the_command(tmp_path: Path) -> None:
    config = write_config(tmp_path, USERS)
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
        ("federation_version: =3.0\nsubgraphs: {}", '1: federation_version "=3.0" is not supported'),
        ("subgraphs: {}", "1: no subgraph is listed"),
        ("subgraphs:\n  a:\n    routing_url: ${env.NOPE}\n    schema: {file: x}", "3: the environment variable NOPE"),
        ("a: [", "1: "),
        ("[" * 5000, "1: is not YAML"),
        ("subgraphs: {1: {}}", '1: the name of a subgraph must be a string: write "1"'),
        (
            "subgraphs: {a: {routing_url: '${env.A-b}', schema: {file: x}}}",
            "1: an environment variable must be",
        ),
        ("subgraphs: {a: {routing_url: '${env.EMPTY}', schema: {file: x}}}", '1: "routing_url" is empty'),
        ('subgraphs: {a: {routing_url: u, schema: {file: "a\\0"}}}', '1: "file" contains a character that text'),
        ('subgraphs: {a: {routing_url: "\\ud800", schema: {file: x}}}', '1: "routing_url" contains a character'),
        ('subgraphs: {"\\ud800": {}}', "1: the name of a subgraph contains a character"),
        ("subgraphs: {}\n---\nsubgraphs: {}", "2: expected a single document in the stream, but found another"),
    ],
)
def test_a_bad_configuration_is_reported_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    config = tmp_path / "supergraph.yaml"
    config.write_text(text)
    with pytest.raises(ConfigError) as error:
        read_config(config, {"EMPTY": ""})
    assert f"supergraph.yaml:{message}" in str(error.value)


def test_a_duplicate_key_is_reported_without_its_values(tmp_path: Path) -> None:
    config = tmp_path / "supergraph.yaml"
    config.write_text("subgraphs:\n  a: {token: secret}\n  a: {token: secret}\n")
    with pytest.raises(ConfigError) as error:
        read_config(config, {})
    assert str(error.value) == f"{config}:3: a key is written twice"


def test_an_inline_schema_from_a_merge_key_has_the_place_of_the_merge(tmp_path: Path) -> None:
    config = tmp_path / "supergraph.yaml"
    config.write_text(
        "subgraphs:\n"
        "  a:\n    routing_url: http://a\n    schema: &shared\n      sdl: |\n        type Query { a: Int }\n"
        "  b:\n    routing_url: http://b\n    schema:\n      <<: *shared\n"
    )
    first, second = read_config(config, {})
    assert first.origin == SourceFile(str(config), line=6, indent=8)
    assert second.origin is not None
    assert not second.origin.verbatim


def test_environment_variables_are_expanded(tmp_path: Path) -> None:
    config = tmp_path / "supergraph.yaml"
    config.write_text(
        "subgraphs:\n  a:\n    routing_url: ${env.SCHEME:-http}://${env.HOST}/graphql\n"
        "    schema: {sdl: 'type Query { a: Int }'}\n"
    )
    (source,) = read_config(config, {"HOST": "a.test"})
    assert source.routing_url == "http://a.test/graphql"


def test_the_sdl_of_a_running_subgraph_is_fetched(tmp_path: Path) -> None:
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


def test_all_unreadable_files_are_reported_together(tmp_path: Path) -> None:
    config = tmp_path / "supergraph.yaml"
    config.write_text(
        "subgraphs:\n"
        "  a: {routing_url: 'http://a', schema: {file: a.graphql}}\n"
        "  b: {routing_url: 'http://b', schema: {file: b.graphql}}\n"
    )
    with pytest.raises(ConfigError) as error:
        load_subgraphs(read_config(config, {}), 1.0)
    assert str(error.value).splitlines() == [
        f'{config}:2: the schema of "a", {tmp_path}/a.graphql, cannot be read: No such file or directory',
        f'{config}:3: the schema of "b", {tmp_path}/b.graphql, cannot be read: No such file or directory',
    ]


@pytest.mark.parametrize(
    "url", ["u", "a.test/graphql", "ftp://a.test", "http://", "http://a.test:0", "${env.X:-no url}"]
)
def test_a_routing_url_that_the_router_cannot_call_is_refused(tmp_path: Path, url: str) -> None:
    config = tmp_path / "supergraph.yaml"
    config.write_text(f"subgraphs:\n  a:\n    routing_url: {url!r}\n    schema: {{sdl: 'type Query {{ a: Int }}'}}\n")
    with pytest.raises(ConfigError, match=r'supergraph.yaml:3: "routing_url" is not a URL that the router can call'):
        read_config(config, {})
