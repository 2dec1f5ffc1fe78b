"""No file of the repository has a secret. Run by `make test-deploy`, because the scan takes a minute or two.

Tests are left out: they have passwords and keys of servers that live for one test.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.tools.deploy_tools import lint_command, run_tool

pytestmark = pytest.mark.usefixtures("deploy_tools")

ROOT: Final = Path(__file__).parents[2]
_PASSWORD_IN_URL: Final = "CKV_SECRET_4"
_RANDOM_TEXT: Final = "CKV_SECRET_6"
_KEY_OF_AWS: Final = "CKV_SECRET_2"
# What is no secret, with the reason.
EXCEPTIONS: Final = {
    # The form of an address: postgresql://user:password@host
    ("/.env.example", _PASSWORD_IN_URL),
    ("/bank/variables.py", _PASSWORD_IN_URL),
    ("/docs/identity.md", _PASSWORD_IN_URL),
    ("/docs/spec/bank.md", _PASSWORD_IN_URL),
    ("/mosafe/backup/mongo_snapshot.py", _PASSWORD_IN_URL),
    ("/subgraphs/kit/mongo.py", _PASSWORD_IN_URL),
    ("/subgraphs/kit/postgres.py", _PASSWORD_IN_URL),
    ("/subgraphs/kit/settings.py", _PASSWORD_IN_URL),
    # The path of a URL, names of a Secret and of a variable, an example of a cursor, an alphabet.
    ("/docker-compose.yml", _RANDOM_TEXT),
    ("/deploy/helm/mosafe/values.yaml", _RANDOM_TEXT),
    ("/docs/spec/bank.md", _RANDOM_TEXT),
    ("/rest_compat/scalars.py", _RANDOM_TEXT),
    ("/subgraphs/auth/second_factor/recovery_codes.py", _RANDOM_TEXT),
}


def findings(folder: Path) -> set[tuple[str, str]]:
    """Return the file and the rule of each secret that checkov finds."""
    options = ["--quiet", "--skip-download", "--enable-secret-scan-all-files", "--output", "json"]
    command = [str(lint_command("checkov")), "--framework", "secrets", "--directory", str(folder), *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    results = json.loads(done.stdout).get("results", {})
    return {(found["file_path"], found["check_id"]) for found in results.get("failed_checks", ())}


def test_the_files_of_the_repository_have_no_secret(tmp_path: Path) -> None:
    for name in run_tool("git", "ls-files", folder=ROOT).splitlines():
        if not name.startswith("tests/") and (ROOT / name).is_file():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / name)
    assert findings(tmp_path) - EXCEPTIONS == set()


def test_a_secret_is_found_in_any_file(tmp_path: Path) -> None:
    (tmp_path / "settings.py").write_text(f'KEY_ID = "AKIA{"Z7Q2M4X9" * 2}"\n', encoding="utf-8")
    (tmp_path / "page.md").write_text(f"https://root:{'s3cr3t' * 2}@bank.example\n", encoding="utf-8")
    assert findings(tmp_path) >= {("/settings.py", _KEY_OF_AWS), ("/page.md", _PASSWORD_IN_URL)}
