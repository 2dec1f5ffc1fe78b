from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, ClassVar

import pytest
from pydantic import Field, SecretStr

from servicekit.errors import ConfigurationError
from servicekit.settings import Port, ProcessSettings, Secret, environment, load, refuse_unknown, sqlite_path
from servicekit.variables import EVERY_PROCESS, Section, Variable, VariableTable

if TYPE_CHECKING:
    from pathlib import Path

SECRET = secrets.token_hex(16)


class Settings(ProcessSettings):
    variables: ClassVar[VariableTable] = VariableTable(
        (
            EVERY_PROCESS,
            Section("Here", (Variable("AUTH_PORT", "3001", ""), Variable("AUTH_JWT_SECRET", "", "", secret=True))),
        )
    )

    port: Port = Field(3001, alias="AUTH_PORT")
    jwt_secret: Secret | None = Field(None, alias="AUTH_JWT_SECRET")


def test_unset_variables_have_defaults() -> None:
    settings = load(Settings, {})
    assert settings.port == 3001
    assert str(settings.data_dir) == ".mosafe"
    assert settings.jwt_secret is None


def test_an_empty_variable_counts_as_unset() -> None:
    assert load(Settings, {"AUTH_PORT": "", "MOSAFE_LOG_LEVEL": ""}) == load(Settings, {})


def test_variables_of_other_processes_are_ignored() -> None:
    assert load(Settings, {"PATH": "/bin", "ROUTER_PORT": "nonsense", "MOSAFE_HOST": "::1"}).host == "::1"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AUTH_PORT", "eighty"),
        ("AUTH_PORT", "65536"),
        ("AUTH_PORT", "-1"),
        ("AUTH_JWT_SECRET", "too short"),
        ("MOSAFE_LOG_FORMAT", "xml"),
        ("MOSAFE_SHUTDOWN_SECONDS", "0"),
        ("MOSAFE_SERVICE_SECRET", "short"),
    ],
)
def test_a_malformed_value_stops_the_start_and_names_the_variable(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(Settings, {name: value})
    assert caught.value.variable == name
    assert str(caught.value).startswith(f"{name}: ")


def test_a_refused_secret_is_not_repeated_in_the_message() -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(Settings, {"AUTH_JWT_SECRET": "hunter2"})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("environ", [{}, {"MOSAFE_ENV": "production"}])
def test_a_secret_of_documentation_stops_the_start_in_production(environ: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match=r"^AUTH_JWT_SECRET: this secret .* openssl rand -hex 32$") as caught:
        load(Settings, {**environ, "AUTH_JWT_SECRET": "s" * 32})
    assert "ssss" not in str(caught.value)
    assert load(Settings, {"MOSAFE_ENV": "development", "AUTH_JWT_SECRET": "s" * 32}).jwt_secret is not None


def test_a_forgotten_environment_is_production() -> None:
    assert load(Settings, {}).is_production
    assert not load(Settings, {"MOSAFE_ENV": "development"}).is_production
    with pytest.raises(ConfigurationError, match=r"^MOSAFE_ENV: "):
        load(Settings, {"MOSAFE_ENV": "prod"})


def test_a_secret_is_not_shown_when_settings_are_printed() -> None:
    assert SECRET not in repr(load(Settings, {"AUTH_JWT_SECRET": SECRET}))


def test_an_unknown_mosafe_variable_stops_the_start_and_suggests_the_nearest() -> None:
    with pytest.raises(ConfigurationError, match=r"^MOSAFE_DATADIR: unknown variable; did you mean MOSAFE_DATA_DIR\?$"):
        load(Settings, {"MOSAFE_DATADIR": "x"})


def test_a_variable_of_the_class_s_own_table_is_known() -> None:
    table = VariableTable((Section("Here", (Variable("MOSAFE_EXTRA", "", "", secret=True),)),))
    refuse_unknown({"MOSAFE_EXTRA": "x", "MOSAFE_EXTRA_FILE": "x"}, table)
    with pytest.raises(ConfigurationError, match=r"^MOSAFE_EXTRA: unknown"):
        load(Settings, {"MOSAFE_EXTRA": "x"})


def test_the_file_variant_of_a_variable_that_is_not_secret_is_unknown() -> None:
    with pytest.raises(ConfigurationError, match=r"^MOSAFE_DATA_DIR_FILE: unknown"):
        load(Settings, {"MOSAFE_DATA_DIR_FILE": "x"})


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "jwt_secret"
    path.write_text(f"{SECRET}\n")
    path.chmod(0o600)
    secret = load(Settings, {"AUTH_JWT_SECRET_FILE": str(path)}).jwt_secret
    assert secret is not None
    assert secret.get_secret_value() == SECRET


def test_a_secret_given_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "jwt_secret"
    path.write_text(SECRET)
    with pytest.raises(ConfigurationError, match=r"^AUTH_JWT_SECRET_FILE: AUTH_JWT_SECRET is set as well"):
        load(Settings, {"AUTH_JWT_SECRET": SECRET, "AUTH_JWT_SECRET_FILE": str(path)})


@pytest.mark.parametrize(("content", "problem"), [(b"  \n", "is empty"), (b"\xff\xfe", "not UTF-8")])
def test_an_empty_or_unreadable_secret_file_is_refused(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "secret"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(ConfigurationError, match=problem) as caught:
        load(Settings, {"MOSAFE_SERVICE_SECRET_FILE": str(path)})
    assert caught.value.variable == "MOSAFE_SERVICE_SECRET_FILE"


def test_a_missing_secret_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="No such file"):
        load(Settings, {"MOSAFE_SERVICE_SECRET_FILE": str(tmp_path / "missing")})


def test_the_environment_overrides_dotenv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("AUTH_PORT=1\nMOSAFE_HOST=from-file\nACCOUNT_PORT=\n")
    monkeypatch.setenv("AUTH_PORT", "2")
    monkeypatch.delenv("MOSAFE_HOST", raising=False)
    variables = environment(tmp_path)
    assert (variables["AUTH_PORT"], variables["MOSAFE_HOST"]) == ("2", "from-file")
    assert "ACCOUNT_PORT" not in variables


def test_a_sqlite_url_names_its_file(tmp_path: Path) -> None:
    assert str(sqlite_path(SecretStr("sqlite:////var/x.db"), "AUTH_DB_URL", tmp_path)) == "/var/x.db"
    assert sqlite_path(None, "AUTH_DB_URL", tmp_path) == tmp_path


@pytest.mark.parametrize("url", ["postgresql://user:pass@auth-db:5432/auth", "mysql://x", "sqlite://x"])
def test_another_store_is_refused_without_showing_its_url(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        sqlite_path(SecretStr(url), "AUTH_DB_URL", tmp_path)
    assert caught.value.variable == "AUTH_DB_URL"
    assert url not in str(caught.value)
