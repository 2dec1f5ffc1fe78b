"""The troubleshooting page explains the output of each command that people of the first README know.

Covers docs/deploy/troubleshooting.md.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from mosafe.doctor.run_checks import CHECKS
from tests.deploy.checks.documents import CONTAINERS, read

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = (ROOT / "docs/deploy/troubleshooting.md").read_text(encoding="utf-8")
# "Common Issues & Solutions" of the README with which the project began: each command, and a part of what it prints.
COMMANDS: Final = {
    "docker ps | grep traefik": "(healthy)",
    "docker network inspect mosafe_network": "`Containers`",
    "docker compose logs -f auth-service": "JSON",
    "docker exec -it mongodb mongosh --eval \"db.adminCommand('ping')\"": "{ ok: 1 }",
    "docker exec -it postgres pg_isready": "accepting connections",
    "docker compose down -v && docker compose up -d": "deletes",
}


@pytest.mark.parametrize(("command", "output"), COMMANDS.items(), ids=COMMANDS)
def test_each_command_is_there_with_what_its_output_means(command: str, output: str) -> None:
    begin = PAGE.index(f"```bash\n{command}\n```\n")
    explanation = re.split(r"```bash|^## ", PAGE[begin + len(command) + 12 :], maxsplit=1, flags=re.MULTILINE)[0]
    assert output in explanation


def test_the_names_in_the_commands_are_those_of_the_compose_files() -> None:
    services = read(ROOT / "docker-compose.yml")["services"]
    servers = read(ROOT / "docker-compose.infra.yml")
    assert servers["networks"]["mosafe_network"]["name"] == "mosafe_network"
    for name in ("traefik", "mongodb", "postgres"):
        assert servers["services"][name]["container_name"] == name
    assert services[CONTAINERS["auth"]]["container_name"] == "auth-service"


def test_each_check_of_the_doctor_is_explained() -> None:
    rows = " ".join(re.findall(r"^\| (`[^|]+) \|", PAGE, re.MULTILINE))
    singular = {"stores": "store auth", "ports": "port …"}
    assert [name for name in CHECKS if f"`{singular.get(name, name)}`" not in rows] == []
