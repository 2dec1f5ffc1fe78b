"""The README's commands work: its two shell blocks run as printed, and the router's response is the one it shows."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from mosafe import cli as mosafe_cli
from router import cli as router_cli
from tests.e2e.platform import ROOT

if TYPE_CHECKING:
    from tests.e2e.platform import Platform

pytestmark = pytest.mark.xdist_group("bank")

BASH = shutil.which("bash") or "/bin/bash"
README = (ROOT / "README.md").read_text(encoding="utf-8")
SECTION = README[README.index("## One query, three services") : README.index("## The router")]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", SECTION, re.DOTALL | re.MULTILINE)


def with_equal_numbers(value: Any) -> Any:
    """The response with every account number replaced, because they are random."""
    return json.loads(re.sub(r'"\d{10}"', '"0000000000"', json.dumps(value)))


@pytest.mark.skipif(shutil.which("curl") is None, reason="the README's commands use curl")
def test_the_query_of_the_readme_gives_its_response(bank: Platform) -> None:
    setup, query, plan = blocks("bash")
    (response,) = blocks("json")
    script = (
        (setup + "\necho\necho ANSWER\n" + query + "\necho\necho PLAN\n" + plan)
        .replace(":8000", f":{bank.ports['REST_PORT']}")
        .replace(":4000", f":{bank.ports['ROUTER_PORT']}")
    )
    outcome = subprocess.run(
        [BASH, "-euo", "pipefail", "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert outcome.returncode == 0, outcome.stderr
    _, _, after = outcome.stdout.partition("ANSWER\n")
    body, _, printed_plan = after.partition("PLAN\n")
    assert with_equal_numbers(json.loads(body)) == with_equal_numbers(json.loads(response))
    assert printed_plan.startswith("QueryPlan {")


def test_the_readme_names_every_target_and_route() -> None:
    routes = set(re.findall(r"/api/[\w/:]+", README))
    assert "/api/transactions/account/:accountId" in routes
    for command in re.findall(r"`(make [a-z]+)`", README):
        assert f"\n{command.removeprefix('make ')}:" in (ROOT / "Makefile").read_text(encoding="utf-8")
    for command in re.findall(r"\.venv/bin/mosafe (\w+)", README):
        assert command in mosafe_cli.COMMANDS
    for command in re.findall(r"`router (\w+)", README):
        assert command in router_cli.COMMANDS
