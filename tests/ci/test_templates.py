"""The templates for GitLab and GitHub: their scripts, run on a shallow clone as in a job of a merge request.

What installs the router is left out, because the tests run with the router of this checkout.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from ruamel.yaml import YAML

from tests.router.schema_check.comment.comment_server import CommentServer
from tests.router.schema_check.git_repository import BOOKS, Repository

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent.parent
POLICY = "proposed: supergraph.yaml\nbase: origin/main\n"


@dataclass(frozen=True, slots=True)
class MergeRequest:
    """A clone of the last commit of a branch, as a job has it, and the commit with which the branch is compared."""

    clone: Path
    base: str

    def run(self, script: str, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(
            ("bash", "-e", "-c", script),  # noqa: S607 - the shell of the machine
            cwd=self.clone,
            env={"PATH": path, "HOME": str(self.clone), "NO_COLOR": "1", **environ},
            capture_output=True,
            text=True,
            check=False,
        )


def merge_request(tmp_path: Path, books: str) -> MergeRequest:
    origin = Repository.create(tmp_path / "origin")
    origin.write(".router/check.yaml", POLICY)
    origin.commit()
    base = (origin.folder / ".git/refs/heads/main").read_text().strip()
    origin.git("checkout", "--quiet", "-b", "change")
    origin.write("subgraphs/books.graphql", books)
    origin.write("CHANGELOG.md", "A first commit.")
    origin.commit()
    origin.write("README.md", "A second commit.")
    origin.commit()
    clone = tmp_path / "clone"
    origin.git("clone", "--quiet", "--depth=1", "--branch=change", f"file://{origin.folder}", str(clone))
    return MergeRequest(clone, base)


@pytest.fixture
def server() -> Iterator[CommentServer]:
    with CommentServer.running() as found:
        yield found


def gitlab_script() -> str:
    job = YAML(typ="safe").load(ROOT / "ci/gitlab/router-check.yml")["router-check"]
    return "\n".join(job["script"])


def github_script() -> str:
    steps = YAML(typ="safe").load(ROOT / "ci/github/action.yml")["runs"]["steps"]
    return str(steps[-1]["run"])


def test_gitlab_reports_a_breaking_change(tmp_path: Path, server: CommentServer) -> None:
    change = merge_request(tmp_path, BOOKS.replace(" old: Int", ""))
    done = change.run(gitlab_script(), {**server.gitlab(), "CI_MERGE_REQUEST_DIFF_BASE_SHA": change.base})
    assert done.returncode == 1, done.stderr
    assert "breaking[FIELD_REMOVED]: The field Query.old was removed." in done.stdout
    (entry,) = json.loads((change.clone / "gl-code-quality-report.json").read_text())
    assert (entry["severity"], entry["location"]["path"]) == ("critical", "subgraphs/books.graphql")
    assert 'failures="1"' in (change.clone / "router-check.xml").read_text()
    assert [each.body.splitlines()[1] for each in server.comments] == ["### ❌ Schema check"]


def test_gitlab_without_a_token_passes_a_harmless_change(tmp_path: Path) -> None:
    change = merge_request(tmp_path, BOOKS.replace("old: Int", "old: Int new: Int"))
    environ = {"CI_MERGE_REQUEST_DIFF_BASE_SHA": change.base, "ROUTER_CHECK_OPTIONS": "--fail-on dangerous"}
    done = change.run(gitlab_script(), environ)
    assert (done.returncode, done.stderr) == (0, "")
    assert "safe[FIELD_ADDED]: The field Query.new was added." in done.stdout


def test_github_reports_a_breaking_change(tmp_path: Path, server: CommentServer) -> None:
    change = merge_request(tmp_path, BOOKS.replace(" old: Int", ""))
    event, summary = tmp_path / "event.json", tmp_path / "summary.md"
    event.write_text(json.dumps({"pull_request": {"number": 7}}))
    inputs = {"BASE": change.base, "COMMENT": "true", "OPTIONS": "", "SARIF": "check.sarif"}
    done = change.run(github_script(), {**server.github(event), **inputs, "GITHUB_STEP_SUMMARY": str(summary)})
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith("::error ")
    assert json.loads((change.clone / "check.sarif").read_text())["runs"][0]["results"][0]["level"] == "error"
    assert "### ❌ Schema check" in summary.read_text()
    assert len(server.comments) == 1


def test_github_outside_a_pull_request_says_so(tmp_path: Path) -> None:
    change = MergeRequest(tmp_path, "")
    done = change.run(github_script(), {"BASE": "", "COMMENT": "true", "OPTIONS": "", "SARIF": ""})
    assert done.returncode == 2
    assert "run it for pull_request events" in done.stdout


# The installation of the router with all its dependencies takes half a minute, and longer on a busy machine.
@pytest.mark.timeout(900)
@pytest.mark.parametrize("language", ["system", "python"])
def test_the_hook_of_pre_commit_checks_commits(tmp_path: Path, language: str, request: pytest.FixtureRequest) -> None:
    """pre-commit itself runs the hook.

    `language: system` takes the installed router. With `language: python`, pre-commit installs the last commit of this
    repository from a package index, as it does for users; `make installed-hook` runs this test.
    """
    change = merge_request(tmp_path, BOOKS)
    if language == "python":
        if not request.config.getoption("--installed-hook"):
            pytest.skip("pre-commit would install the router and its dependencies: make installed-hook")
        folder, hook = ROOT, dict[str, object](id="router-check")
    else:
        hooks = Repository.create(tmp_path / "hooks")
        hooks.write(".pre-commit-hooks.yaml", (ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
        hooks.commit()
        folder, hook = hooks.folder, {"id": "router-check", "language": "system", "additional_dependencies": []}
    config = {"repos": [{"repo": str(folder), "rev": _head(folder), "hooks": [hook]}]}
    (change.clone / ".pre-commit-config.yaml").write_text(json.dumps(config))
    (change.clone / ".router/check.yaml").write_text(POLICY.replace("origin/main", "HEAD"))
    environ = {"PRE_COMMIT_HOME": str(tmp_path / "home"), "GIT_CONFIG_GLOBAL": os.devnull}
    environ |= {f"GIT_{who}_{part}": "test" for who in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}

    def commit(name: str, text: str) -> subprocess.CompletedProcess[str]:
        (change.clone / name).write_text(text)
        return change.run("git add --all && git commit --message=change", environ)

    assert change.run("pre-commit install", environ).returncode == 0
    skipped = commit("README.md", "No schema changes.")
    assert skipped.returncode == 0, skipped.stderr
    harmless = commit("subgraphs/books.graphql", BOOKS.replace("old: Int", "old: Int new: Int"))
    assert (harmless.returncode, "router check" in harmless.stderr) == (0, True), harmless.stderr
    breaking = commit("subgraphs/books.graphql", BOOKS.replace("old: Int", "new: Int"))
    assert breaking.returncode == 1
    assert "breaking[FIELD_REMOVED]: The field Query.old was removed" in breaking.stderr


def _head(folder: Path) -> str:
    command = ("git", "rev-parse", "HEAD")
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def test_the_clients_of_the_bank_are_known(tmp_path: Path) -> None:
    """The policy of this repository: the REST layer and online banking must stay valid."""
    change = MergeRequest(ROOT, "")
    report = tmp_path / "check.json"
    done = change.run(f"router check --base supergraph.graphql --report json={report}", {})
    assert done.returncode == 0, done.stdout + done.stderr
    places = "rest_compat/operations", "rest_compat/online_banking/page"
    operations = json.loads(report.read_text())["operations"]
    assert operations["known"] >= 29
    assert all((ROOT / place).is_dir() for place in places)
