"""The Dockerfile agrees with the topology, and its images run without rights."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from bank.topology import load_topology
from bank.variables import VARIABLES
from tests.deploy.checks.documents import CONTAINERS, USER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_COMMANDS: Final = {"router": '"router", "serve"'}
# Of these only the wheel is built; everything else stays out of the engine's reach.
_SENT: Final = {"pyproject.toml", "requirements.lock", "README.md", "LICENSE", "router.yaml", "supergraph.graphql"}
_PACKAGES: Final = {"bank", "mosafe", "rest_compat", "router", "servicekit", "subgraphs"}


def stages(text: str) -> dict[str, str]:
    """Return the text of each stage of a Dockerfile, by the name of the stage."""
    parts = re.split(r"^FROM (?P<base>\S+) AS (?P<name>\S+)$", text, flags=re.MULTILINE)
    return {
        name: f"FROM {base}\n{body}" for base, name, body in zip(parts[1::3], parts[2::3], parts[3::3], strict=True)
    }


def check_dockerfile(root: Path) -> Iterator[str]:
    found = stages((root / "Dockerfile").read_text(encoding="utf-8"))
    topology = load_topology()
    for process in CONTAINERS:
        stage, place = found.get(f"process-{process}", ""), topology.process(process)
        expected = _COMMANDS.get(process, f'"mosafe", "{process}"')
        for line in (f"EXPOSE {place.port}\n", f"ENV MOSAFE_HEALTH_PORT={place.health_port}\n", f"CMD [{expected}"):
            if line not in stage:
                yield f"Dockerfile, process-{process}: {line.strip()} is missing"
    runtime = found["runtime"]
    if not re.search(rf"^USER {USER}:{USER}$", runtime, re.MULTILINE):
        yield f"Dockerfile, runtime: the user is not {USER}"
    if "HEALTHCHECK --interval" not in runtime or "servicekit.health_probe" not in runtime:
        yield "Dockerfile, runtime: there is no health check"
    yield from _variables(found)
    yield from _origin(found)


def _variables(found: dict[str, str]) -> Iterator[str]:
    for stage, text in found.items():
        instructions = re.findall(r"^ENV (?:[^\n]*\\\n)*[^\n]*", text, re.MULTILINE)
        for name, value in re.findall(r"\b([A-Z][A-Z_]+)=(\S+)", "\n".join(instructions)):
            if name.startswith("MOSAFE_") and name not in VARIABLES.names:
                yield f"Dockerfile, {stage}: {name} is not a variable of the platform"
            if re.search("SECRET|PASSWORD|TOKEN|_KEY$", name):
                yield f"Dockerfile, {stage}: {name}={value} would be readable in the image"


def _origin(found: dict[str, str]) -> Iterator[str]:
    bases = {base for text in found.values() for base in re.findall(r"^FROM (\S+)$", text, re.MULTILINE)}
    for base in sorted(bases - found.keys()):
        if not re.fullmatch(r"python:\d+\.\d+\.\d+-slim-\w+(@sha256:\w{64})?|process-\$\{PROCESS\}", base):
            yield f"Dockerfile: the base {base} is not pinned"
    for tool in ("gcc", "build-essential", "apt-get"):
        if tool in found["runtime"]:
            yield f"Dockerfile, runtime: {tool} is in the image"
    install, wheel = found["packages"], found["wheel"]
    if 'if [ "$PROCESS" = operator ]; then echo backup;' not in install:
        yield "Dockerfile, packages: the image of operators cannot make backups"
    for stage, text in (("packages", install), ("wheel", wheel)):
        if text.count("--only-binary :all:") != 1 or text.count("--constraints requirements.lock") != 1:
            yield f"Dockerfile, {stage}: packages are not installed as wheels at the versions of the lock"
    if "PROCESS" in wheel or "uv build" in install or "COPY --from=wheel /wheel" not in install:
        yield "Dockerfile: the wheel is not built once for all images"


def check_dockerignore(root: Path) -> Iterator[str]:
    lines = (root / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    if rules[0] != "*":
        yield ".dockerignore: not everything is left out first"
    sent = {rule[1:] for rule in rules if rule.startswith("!")}
    for extra in sorted(sent - _SENT - _PACKAGES):
        yield f".dockerignore: {extra} is sent to the engine"
    for missing in sorted((_SENT | _PACKAGES) - sent):
        yield f".dockerignore: {missing} is missing, from which the wheel is built"
