"""The pipelines run targets of the Makefile, and nothing reaches production without a person."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, Final

from tests.deploy.checks.documents import read, values

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GITLAB: Final = ".gitlab-ci.yml"
GITHUB: Final = ".github/workflows"
_KEYWORDS: Final = {"stages", "include", "workflow", "default", "variables"}


def jobs(root: Path) -> dict[str, Any]:
    """Return the jobs of GitLab's pipeline, with those of the files that it includes."""
    document = read(root / GITLAB)
    parts = [document, *(read(root / part["local"]) for part in document["include"])]
    return {name: job for part in parts for name, job in part.items() if name not in _KEYWORDS}


def _commands(part: Any) -> list[str]:
    found: list[str] = []
    for script in [*values(part, "script"), *values(part, "run")]:
        found += [script] if isinstance(script, str) else script
    return found


def _targets(commands: list[str]) -> set[str]:
    lines = [re.split(r" && |;", command)[0] for command in commands]
    words = [line.split()[1:] for line in lines if line.startswith("make ")]
    return {word for line in words for word in line if re.fullmatch("[a-z-]+", word)}


def check_targets(root: Path) -> Iterator[str]:
    """Each target exists, and both pipelines run the same ones."""
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    known = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    gitlab = _targets(_commands(jobs(root)))
    github = _targets([command for path in sorted((root / GITHUB).glob("*.yml")) for command in _commands(read(path))])
    yield from (f"{GITLAB}: the Makefile has no target {target}" for target in sorted(gitlab - known))
    yield from (f"{GITHUB}: the Makefile has no target {target}" for target in sorted(github - known))
    # Fuzzing is a part of GitHub's nightly workflow.
    yield from (f"{GITHUB}: {target} is not run" for target in sorted(gitlab - github - {"fuzz"}))


def check_scripts(root: Path) -> Iterator[str]:
    """The scripts that jobs run exist and can be run."""
    commands = _commands(jobs(root))
    commands += [command for path in sorted((root / GITHUB).glob("*.yml")) for command in _commands(read(path))]
    for command in commands:
        for script in re.findall(r"(?:deploy/pipeline/|\.ci/)[\w.-]+", command):
            if not script.endswith(".yaml") and not os.access(root / script, os.X_OK):
                yield f"{script} cannot be run"


def check_stages(root: Path) -> Iterator[str]:
    """Each job has a stage, images are scanned before they are signed, and production waits for a person."""
    document, found = read(root / GITLAB), jobs(root)
    for name, job in found.items():
        if not name.startswith(".") and job.get("stage") not in document["stages"]:
            yield f"{GITLAB}: the job {name} has no stage"
        if job.get("stage") == "production" and any(rule.get("when") != "manual" for rule in job["rules"]):
            yield f"{GITLAB}: the job {name} does not wait for a person"
        if job.get("allow_failure") and name in {"lint", "schema", "test", "manifests", "scan", "scan-repository"}:
            yield f"{GITLAB}: the job {name} may fail"
    if "scan" not in found["sign"]["needs"]:
        yield f"{GITLAB}: images are signed before they are scanned"
    for path in sorted((root / GITHUB).glob("*.yml")):
        if read(path).get("permissions") != {"contents": "read"}:
            yield f"{GITHUB}/{path.name}: jobs have more rights than to read"


def check_digests(root: Path) -> Iterator[str]:
    """What was built is scanned, signed and deployed by its digest, and not by a tag that could be pushed again."""
    found = jobs(root)
    if found["build-image"]["artifacts"]["paths"] != ["image-$PROCESS.digest"]:
        yield f"{GITLAB}: build-image does not keep the digests"
    for name in ("scan", "sign"):
        if '$IMAGE@$(cat "image-$PROCESS.digest")' not in found[name]["script"]:
            yield f"{GITLAB}: {name} names the image by its tag"
    for name, job in found.items():
        deploys = any(script in command for script in ("deploy.sh", "canary.sh 10") for command in _commands(job))
        # Without `needs`, a job gets the files of all jobs of earlier stages.
        if deploys and "build-image" not in job.get("needs", ["build-image"]):
            yield f"{GITLAB}: {name} runs without the digests of build-image"


def check_policy(root: Path) -> Iterator[str]:
    policy = read(root / "deploy/pipeline/trivy.yaml")
    if policy["exit-code"] != 1 or not {"HIGH", "CRITICAL"} <= set(policy["severity"]):
        yield "deploy/pipeline/trivy.yaml: findings do not stop the pipeline"
