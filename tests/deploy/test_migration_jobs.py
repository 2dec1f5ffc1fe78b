"""The Jobs that migrate the stores succeed with exactly the variables of their manifests, on real servers.

Covers deploy/kubernetes/base/migrations.yaml.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from click.testing import CliRunner

from mosafe.secret_files import create_missing
from subgraphs.account.cli import command as account
from subgraphs.auth.cli import command as auth
from subgraphs.transaction.cli import command as transaction
from tests.deploy.checks.documents import read, read_all
from tests.deploy.checks.migrations import FILE, STORES

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT: Final = Path(__file__).parents[2]
COMMANDS: Final = {"auth": auth, "account": account, "transaction": transaction}
PRODUCTION: Final = ROOT / "deploy/kubernetes/overlays/production/kustomization.yaml"


def environment_of(job: str, secrets: Path, data: Path) -> dict[str, str]:
    """Return the variables of the Job in the overlay `production`, with the files in `secrets`."""
    (found,) = (each for each in read_all(ROOT / FILE) if each["kind"] == "Job" and each["metadata"]["name"] == job)
    (container,) = found["spec"]["template"]["spec"]["containers"]
    (platform,) = (each for each in read(PRODUCTION)["configMapGenerator"] if each["name"] == "platform")
    variables = dict(literal.split("=", 1) for literal in platform["literals"])
    variables |= {item["name"]: item["value"].replace("/run/secrets", str(secrets)) for item in container["env"]}
    return variables | {"MOSAFE_DATA_DIR": str(data)}


@pytest.mark.parametrize("service", STORES)
def test_a_job_migrates_an_empty_store_and_one_that_is_up_to_date(
    service: str, tmp_path: Path, postgres_url: str, mongo_urls: Mapping[str, str]
) -> None:
    secrets = tmp_path / "secrets"
    create_missing(secrets)
    urls = {"auth": postgres_url, **{name: mongo_urls[f"{name.upper()}_DB_URL"] for name in ("account", "transaction")}}
    (secrets / f"{service}_db_url").write_text(urls[service], encoding="utf-8")
    for attempt in range(2):
        # Each pod has its own empty data directory.
        data = tmp_path / f"data-{attempt}"
        environ = environment_of(f"{service}-migrate", secrets, data)
        done = CliRunner(env=environ).invoke(COMMANDS[service], ["migrate"])
        assert done.exit_code == 0, done.output
        assert done.output.splitlines()[-1] == f"the {service} store is up to date"
        assert list(data.glob("*.sqlite3")) == []
