"""Reading `router.yaml`: values, references, and every mistake with its place.

Covers also `router/settings/types.py`, `router/settings/section.py`, `router/settings/errors.py`,
`router/strict_model.py` and `router/validation_messages.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from router.settings import InvalidSettings, RouterSettings, load, read

if TYPE_CHECKING:
    from collections.abc import Mapping


def problems(text: str, environ: Mapping[str, str] | None = None) -> list[str]:
    with pytest.raises(InvalidSettings) as raised:
        read(text, environ or {})
    return str(raised.value).splitlines()


@pytest.mark.parametrize("text", ["", "# only a comment\n", "{}"])
def test_an_empty_file_means_the_defaults(text: str) -> None:
    assert read(text, {}) == RouterSettings()


def test_no_file_means_the_defaults() -> None:
    assert load(None, {}) == RouterSettings()


def test_defaults_are_closed() -> None:
    settings = RouterSettings()
    assert settings.server.host == "127.0.0.1"
    assert settings.introspection is False
    assert settings.headers.all.request == ()
    assert settings.errors.mask is True
    assert settings.cors.enabled is False
    assert settings.csrf.enabled is True


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("server:\n  prot: 1\n", "router.yaml:2: server.prot: unknown key; did you mean `port`?"),
        ("servers: {}\n", "router.yaml:1: servers: unknown key; did you mean `server`?"),
        (
            "headers:\n  all:\n    request:\n      - propagate:\n          nmed: x\n",
            "router.yaml:5: headers.all.request.0.propagate.nmed: unknown key; did you mean `named`?",
        ),
        (
            "traffic:\n  subgraphs:\n    auth:\n      time_out: 1s\n",
            "router.yaml:4: traffic.subgraphs.auth.time_out: unknown key; did you mean `timeout`?",
        ),
        (
            "csrf:\n  zzz: 1\n",
            "router.yaml:2: csrf.zzz: unknown key; the keys here are enabled, required_headers",
        ),
    ],
)
def test_an_unknown_key_is_refused_with_its_place_and_the_nearest_known_one(text: str, expected: str) -> None:
    assert expected in problems(text)


@pytest.mark.parametrize("section", ["apq", "rate_limits", "idempotency"])
def test_a_redis_without_url_is_no_redis(section: str) -> None:
    text = f"{section}: {{redis: {{url: {{from_env: REDIS, default: null}}, timeout: 1s}}}}"
    assert getattr(read(text, {}), section).redis is None
    assert getattr(read(text, {"REDIS": "redis://cache"}), section).redis is not None
    assert problems(f"{section}: {{redis: {{}}}}")  # `url` is required


def test_all_mistakes_are_reported_at_once() -> None:
    assert len(problems("server:\n  port: x\n  path: no\nerrors:\n  mask: perhaps\n")) == 3


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: [1\nb: 2", 2),
        ("server: {}\nserver: {}\n", 2),
        ("a: b: c", 1),
        ("a: \0", 1),
        ("- 1\n", 1),
        ("text", 1),
    ],
)
def test_text_that_is_not_a_yaml_mapping_is_refused_with_its_line(text: str, line: int) -> None:
    (problem,) = problems(text)
    assert problem.startswith(f"router.yaml:{line}: ")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("server: {port: 70000}", "server.port"),
        ("server: {path: graphql}", "server.path"),
        ("server: {path: /health/live}", "server.path"),
        ("override_subgraph_url: {a: 'ftp://x/'}", "override_subgraph_url.a"),
        ("override_subgraph_url: {a: 'http://u:p@x/'}", "override_subgraph_url.a"),
        ("override_subgraph_url: {a: 'http://x:99999/'}", "override_subgraph_url.a"),
        ("override_subgraph_url: {a: 'http://x:0/'}", "override_subgraph_url.a"),
        ("traffic: {all: {timeout: 30x}}", "traffic.all.timeout"),
        ("traffic: {all: {timeout: 0s}}", "traffic.all.timeout"),
        ("traffic: {all: {timeout: .inf}}", "traffic.all.timeout"),
        ("traffic: {all: {timeout: true}}", "traffic.all.timeout"),
        ("server: {workers: true}", "server.workers"),
        ("server: {port: true}", "server.port"),
        ("override_labels: {checkout: true}", "override_labels.checkout"),
        ("override_labels: {checkout: 100.1}", "override_labels.checkout"),
        ("override_labels: {checkout: .nan}", "override_labels.checkout"),
        ("limits: {depth: 0}", "limits.depth"),
        ("cors: {enabled: true}", "cors"),
        ("cors: {origins: ['*'], allow_credentials: true}", "cors"),
        ("cors: {origins: ['https://x/path']}", "cors.origins.0"),
        ("server: {port: {from_env: X, defualt: 1}}", "server.port"),
        ("admin: {token: {from_file: a, default: b}}", "admin.token"),
        ("headers: {all: {request: [{}]}}", "headers.all.request.0"),
        ("headers: {all: {request: [{propagate: {}}]}}", "headers.all.request.0.propagate"),
        ("headers: {all: {request: [{remove: {}}]}}", "headers.all.request.0.remove"),
        ("headers: {all: {request: [{propagate: {matching: '('}}]}}", "headers.all.request.0.propagate.matching"),
        ("headers: {all: {request: [{propagate: {matching: a, rename: b}}]}}", "headers.all.request.0.propagate"),
        ("headers: {all: {request: [{propagate: {named: 'a b'}}]}}", "headers.all.request.0.propagate.named"),
        ("headers: {all: {request: [{insert: {name: Host, value: x}}]}}", "headers.all.request.0.insert.name"),
        ('headers: {all: {request: [{insert: {name: a, value: "b\\nc"}}]}}', "headers.all.request.0.insert.value"),
        (
            'headers: {all: {request: [{propagate: {named: a, default: "é"}}]}}',
            "headers.all.request.0.propagate.default",
        ),
        (
            "headers: {all: {request: [{insert: {name: a, value: b}, remove: {named: c}}]}}",
            "headers.all.request.0",
        ),
    ],
)
def test_an_invalid_value_is_refused(text: str, key: str) -> None:
    assert [problem.split(": ")[1] for problem in problems(text)] == [key]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("server: 4000", "a section with keys is expected"),
        ("override_subgraph_url: []", "a mapping of keys to values is expected"),
        ("server: {port: http}", "a whole number is expected"),
        ("server: {port: 1.5}", "a whole number is expected"),
        ("server: {port: -1}", "a number of at least 0 is expected"),
        ("server: {port: 65536}", "a number of at most 65535 is expected"),
        ("server: {workers: 0}", "a number greater than 0 is expected"),
        ("introspection: maybe", "true or false is expected"),
        ("apq: {redis: {}}", "this key is required"),
        ("admin: {token: short}", "text of length 16 or more is expected"),
        ("server: {host: ''}", "text of length 1 or more is expected"),
        ("warm_up: {file: 3}", "a path is expected"),
        ("errors: {allow_codes: A}", "a list is expected"),
        ("errors: {allow_codes: [3]}", "text is expected"),
        ("persisted_documents: {mode: off}", "one of 'disabled', 'measure', 'allow_list' or 'require_id' is expected"),
        ("compression: {encodings: [bzip2]}", "one of 'zstd', 'br' or 'gzip' is expected"),
        ("persisted_documents: {parameters: ['a b']}", "text that matches ^[A-Za-z_][A-Za-z0-9_.-]*$ is expected"),
    ],
)
def test_messages_about_values_use_the_terms_of_yaml(text: str, expected: str) -> None:
    (problem,) = problems(text)
    assert problem.endswith(f": {expected}")


@pytest.mark.parametrize(
    ("written", "seconds"), [("30s", 30.0), ("500ms", 0.5), ("1m", 60.0), ("2", 2.0), ("1.5 s", 1.5), ("0.25", 0.25)]
)
def test_durations_have_units(written: str, seconds: float) -> None:
    assert read(f"traffic: {{request_timeout: {written}}}", {}).traffic.request_timeout == pytest.approx(seconds)


def test_a_scalar_comes_from_the_environment() -> None:
    text = "introspection: {from_env: SWITCH, default: false}\nserver: {port: {from_env: P}}\n"
    settings = read(text, {"SWITCH": "true", "P": "4321"})
    assert (settings.introspection, settings.server.port) == (True, 4321)


@pytest.mark.parametrize("environ", [{}, {"P": ""}])
def test_an_unset_or_empty_variable_means_the_default(environ: Mapping[str, str]) -> None:
    assert read("server: {port: {from_env: P, default: 4100}}", environ).server.port == 4100


def test_an_unset_variable_without_default_is_refused() -> None:
    assert problems("server:\n  port: {from_env: P}\n") == [
        "router.yaml:2: server.port: environment variable P is not set, and the reference has no `default`"
    ]


def test_a_variable_may_name_a_file_with_the_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_text("s3cret\n")
    monkeypatch.chdir(tmp_path)
    for path in (str(tmp_path / "key"), "key"):
        assert read("server: {host: {from_env: H}}", {"H_FILE": path, "H": ""}).server.host == "s3cret"
    assert read("server: {host: {from_env: H, default: x}}", {"H_FILE": ""}).server.host == "x"


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"H": "a", "H_FILE": "b"}, "both H and H_FILE are set; keep one of them"),
        ({"H_FILE": "/missing/file"}, "cannot read /missing/file: No such file or directory"),
    ],
)
def test_a_variable_and_a_file_that_contradict_are_refused(environ: Mapping[str, str], message: str) -> None:
    assert problems("server:\n  host: {from_env: H}\n", environ) == [f"router.yaml:2: server.host: {message}"]


def test_a_scalar_comes_from_a_file_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("s3cret\n")
    (tmp_path / "router.yaml").write_text(
        "headers: {all: {request: [{insert: {name: x-key, value: {from_file: key}}}]}}"
    )
    insert = load(tmp_path / "router.yaml", {}).headers.all.request[0].insert
    assert insert is not None
    assert insert.value.get_secret_value() == "s3cret"


@pytest.mark.parametrize(
    "reference", ["{from_file: missing}", "{from_file: [1]}", "{from_env: [1]}", "{from_file: x, default: y}"]
)
def test_a_reference_that_leads_nowhere_is_refused(reference: str) -> None:
    (problem,) = problems(f"server:\n  host: {reference}\n")
    assert problem.startswith("router.yaml:2: server.host: ")


def test_a_path_is_relative_to_the_configuration_wherever_the_router_is_started(tmp_path: Path) -> None:
    for name in ("operations/x", "ca.pem", "a.pem", "a.json", "b.json"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "router.yaml").write_text(
        "warm_up: {file: operations}\n"
        "supergraph: {url: 'https://x/', certificate_authority: operations/../ca.pem}\n"
        "traffic: {all: {certificate_authority: /etc}, subgraphs: {a: {certificate_authority: a.pem}}}\n"
        "persisted_documents: {mode: measure, manifests: [a.json, {from_env: B}]}\n"
    )
    settings = load(tmp_path / "router.yaml", {"B": "b.json"})
    assert settings.warm_up.file == tmp_path / "operations"
    assert settings.supergraph.certificate_authority == tmp_path / "operations/../ca.pem"
    assert settings.traffic.of("a").certificate_authority == tmp_path / "a.pem"
    assert settings.traffic.of("b").certificate_authority == Path("/etc")
    assert settings.persisted_documents.manifests == (tmp_path / "a.json", tmp_path / "b.json")


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"\xff\xfe")
    (tmp_path / "router.yaml").write_text("server: {host: {from_file: key}}")
    with pytest.raises(InvalidSettings, match="not UTF-8"):
        load(tmp_path / "router.yaml", {})
    with pytest.raises(InvalidSettings, match="not UTF-8"):
        load(tmp_path / "key", {})


def test_a_missing_configuration_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match="cannot be read"):
        load(tmp_path / "none.yaml", {})


def test_host_and_port_fall_back_to_the_environment() -> None:
    settings = read("", {"MOSAFE_HOST": "0.0.0.0", "ROUTER_PORT": "4999"})
    assert (settings.server.host, settings.server.port) == ("0.0.0.0", 4999)


def test_the_file_wins_over_the_environment() -> None:
    assert read("server: {port: 5000}", {"ROUTER_PORT": "4999"}).server.port == 5000


def test_a_malformed_variable_is_named_if_the_file_lacks_the_key() -> None:
    (problem,) = problems("", {"ROUTER_PORT": "many"})
    assert "ROUTER_PORT" in problem
    assert "many" not in problem


def test_no_message_and_no_printout_contains_a_value_that_may_be_secret() -> None:
    text = "headers: {all: {request: [{insert: {name: x-key, value: {from_env: KEY}}}]}}\n"
    settings = read(text, {"KEY": "geheim"})
    assert "geheim" not in repr(settings)
    assert "geheim" not in settings.model_dump_json()
    told = problems("server: {port: {from_env: KEY}, host: {from_env: KEY}, path: {from_env: KEY}}", {"KEY": "geheim"})
    assert all("geheim" not in problem and "environment variable KEY" in problem for problem in told)
    assert "geheim" not in problems("a: geheim\na: geheim\n")[0]


def test_settings_of_one_subgraph_override_those_of_all() -> None:
    traffic = read("traffic: {all: {timeout: 5s, max_connections: 7}, subgraphs: {auth: {timeout: 1s}}}", {}).traffic
    assert (traffic.of("auth").timeout, traffic.of("auth").max_connections) == (1.0, 7)
    assert (traffic.of("other").timeout, traffic.of("other").max_connections) == (5.0, 7)


def test_a_key_for_a_subgraph_that_does_not_exist_is_refused_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "router.yaml"
    path.write_text(
        "override_subgraph_url:\n  auth: http://a/\n  autt: http://a/\n"
        "headers: {subgraphs: {b: {}}}\ntraffic: {subgraphs: {c: {}}}\nerrors: {subgraphs: {d: {}}}\n"
    )
    with pytest.raises(InvalidSettings) as raised:
        load(path, {}, subgraphs=["auth", "account"])
    assert [(problem.line, problem.key) for problem in raised.value.problems] == [
        (3, "override_subgraph_url.autt"),
        (4, "headers.subgraphs.b"),
        (5, "traffic.subgraphs.c"),
        (6, "errors.subgraphs.d"),
    ]
    assert "it has account, auth" in str(raised.value)
