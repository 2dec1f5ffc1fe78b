from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from pydantic import Field

from servicekit.settings import Port  # noqa: TC001 - pydantic reads annotations at run time
from subgraphs.kit import commands
from subgraphs.kit.settings import SubgraphSettings

if TYPE_CHECKING:
    from pathlib import Path

    from servicekit.server import Endpoint, ServerOptions


class SomeSettings(SubgraphSettings):
    port: Port = Field(3999, alias="AUTH_PORT")


@pytest.mark.parametrize("arguments", [(), ("serve",)])
def test_a_service_group_serves_with_and_without_its_sub_command(
    arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    served: list[tuple[str, Endpoint, Any]] = []

    def serve(name: str, create_app: Any, endpoint: Endpoint, settings: SomeSettings, options: ServerOptions) -> None:
        served.append((name, endpoint, create_app()))
        assert settings.data_dir == tmp_path
        assert options.websockets

    monkeypatch.setattr(commands, "serve", serve)
    group = commands.service_group("some", SomeSettings, lambda settings: settings.port, help_text="Some.")  # type: ignore[arg-type,return-value] # no application is needed here
    result = CliRunner().invoke(group, arguments, env={"AUTH_PORT": "4444", "MOSAFE_DATA_DIR": str(tmp_path)})
    assert result.exit_code == 0, result.output
    ((name, endpoint, app),) = served
    assert (name, endpoint.port, endpoint.variable, app) == ("some", 4444, "AUTH_PORT", 4444)


def test_a_sub_command_does_not_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    def serve(*_: object) -> None:
        raise AssertionError("served")

    monkeypatch.setattr(commands, "serve", serve)
    group = commands.service_group("some", SomeSettings, lambda _: None, help_text="Some.")  # type: ignore[arg-type,return-value] # as above
    group.command("other")(lambda: None)
    assert CliRunner().invoke(group, ["other"]).exit_code == 0
    assert "Serve the some subgraph (the default)." in CliRunner().invoke(group, ["--help"]).output
