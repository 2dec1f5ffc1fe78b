"""Random requests, generated from the OpenAPI document, against the running platform.

`--fuzz-requests` sets their number: small in an ordinary run, 1,000 in `make fuzz`. schemathesis checks each response
against the document (`schemathesis.toml` has the exceptions); this file checks the rest.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.platform import PASSWORD, ROOT

if TYPE_CHECKING:
    from subprocess import CompletedProcess

    from tests.e2e.platform import Platform

pytestmark = pytest.mark.xdist_group("bank")

# From this number on, every boundary of every schema is tested too, which takes some 1,000 more requests.
THOROUGH_REQUESTS = 1_000
ROUTES = 17
ACCOUNTS = 3


@pytest.fixture
def requests(request: pytest.FixtureRequest) -> int:
    budget: int = request.config.getoption("--fuzz-requests")
    return budget


def environment(bank: Platform) -> dict[str, str]:
    person = bank.register("Grace")
    accounts = [bank.open_account(person, deposit="1000.00")["id"] for _ in range(ACCOUNTS)]
    return {
        **os.environ,
        "SCHEMATHESIS_HOOKS": "tests.e2e.fuzz_hooks",
        "FUZZ_REST_URL": bank.rest_url,
        "FUZZ_CREDENTIALS": json.dumps({"email": person.email, "password": PASSWORD}),
        "FUZZ_ACCOUNTS": json.dumps(accounts),
    }


def documented_configuration() -> str:
    """The block of `schemathesis.toml` in `docs/fuzzing.md`."""
    page = (ROOT / "docs" / "fuzzing.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"<!-- tests/e2e/test_fuzz_rest.py [^>]*-->\n```toml\n(.*?)```", page, re.DOTALL)
    return str(block)


def documented_refusals() -> set[str]:
    """The codes in the table of `docs/fuzzing.md`."""
    page = (ROOT / "docs" / "fuzzing.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| 4\d\d \| ([^|]*) \|", page, re.MULTILINE)
    return {code for row in rows for code in re.findall(r"`([A-Z_]+)`", row)}


def users_own_run(
    bank: Platform, requests: int, folder: Path, *options: str, **variables: str
) -> CompletedProcess[str]:
    """Schemathesis in all phases, with nothing of our own configuration and hooks."""
    if requests < THOROUGH_REQUESTS:
        pytest.skip("it takes some minutes: make fuzz")
    return subprocess.run(
        [
            *(str(Path(sys.executable).with_name("st")), "run", f"{bank.rest_url}/openapi.json"),
            *("--max-examples", str(ceil(requests / ROUTES)), "--no-color", *options),
        ],
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.timeout(3600)
def test_a_users_own_run_with_one_token_finds_only_documented_refusals(
    bank: Platform, requests: int, tmp_path: Path
) -> None:
    """No warning. There was one for `POST /api/transactions/transfer`: 404 for each request."""
    token = bank.register("Grace").access_token
    options = ("-H", f"Authorization: Bearer {token}", "--exclude-operation-id", "logout", "--continue-on-failure")
    run = users_own_run(bank, requests, tmp_path, *options)
    shown = run.stdout[-20_000:] + run.stderr[-5_000:]
    assert run.returncode in {0, 1}, shown
    assert "WARNINGS" not in run.stdout, shown
    failures = re.findall(r"^- (ST\d+) (?:.|\n)*?^Reproduce with", run.stdout, re.MULTILINE)
    assert set(failures) <= {"ST202", "ST301"}, shown
    # A closed account keeps its statement.
    assert failures.count("ST301") <= run.stdout.count('"openingBalance"'), shown
    assert set(re.findall(r'"error":\{"code":"([A-Z_]+)"', run.stdout)) <= documented_refusals(), shown


@pytest.mark.timeout(3600)
def test_a_users_own_run_with_the_documented_lines_finds_nothing(bank: Platform, requests: int, tmp_path: Path) -> None:
    """No failure, and no warning."""
    (tmp_path / "schemathesis.toml").write_text(documented_configuration(), encoding="utf-8")
    person = bank.register("Grace")
    run = users_own_run(bank, requests, tmp_path, EMAIL=person.email, PASSWORD=PASSWORD)
    assert run.returncode == 0, run.stdout[-20_000:] + run.stderr[-5_000:]
    assert "WARNINGS" not in run.stdout, run.stdout[-5_000:]


@pytest.mark.timeout(3600)
def test_every_response_matches_the_contract(bank: Platform, requests: int, tmp_path: Path) -> None:
    phases = ["examples", "fuzzing", "stateful"] + (["coverage"] if requests >= THOROUGH_REQUESTS else [])
    report = tmp_path / "fuzz.har"
    arguments = {
        "--max-examples": str(ceil(requests / ROUTES)),
        "--phases": ",".join(phases),
        "--report": "har",
        "--report-har-path": str(report),
    }
    options = [part for pair in arguments.items() for part in pair]
    command = [
        str(Path(sys.executable).with_name("st")),
        "run",
        f"{bank.rest_url}/openapi.json",
        *options,
        "--continue-on-failure",
        "--no-color",
    ]
    run = subprocess.run(command, cwd=ROOT, env=environment(bank), capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-20_000:] + run.stderr[-5_000:]

    entries = json.loads(report.read_text(encoding="utf-8"))["log"]["entries"]
    statuses = Counter(entry["response"]["status"] for entry in entries)
    assert statuses.total() >= requests, statuses
    assert not {status for status in statuses if status >= 500}, statuses
    assert statuses[401] * 2 <= statuses.total(), statuses
