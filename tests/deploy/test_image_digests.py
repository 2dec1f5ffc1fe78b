"""The images of others are pinned by digest, in the list and wherever they are named.

Covers `tests/deploy/image_digests.py` and `tests/deploy/checks/image_pins.py`.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.deploy.checks import compose, image_pins, images
from tests.deploy.image_digests import pin, run
from tests.tools.deploy_tools import CRANE, require_deploy_tools, run_tool

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[2]
FILES: Final = ("docker-compose.yml", "docker-compose.infra.yml", "Dockerfile", ".gitlab-ci.yml")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the files that name images."""
    for name in FILES:
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    return tmp_path


def some_digests(root: Path) -> dict[str, str]:
    """Return a digest for each image, by its name with the version."""
    return {image.tagged: f"sha256:{number:064x}" for number, image in enumerate(image_pins.listed_images(root))}


def test_digests_are_written_wherever_an_image_is_named(checkout: Path) -> None:
    digests = some_digests(checkout)
    changed = {str(path.relative_to(checkout)) for path in pin(checkout, digests)}
    assert changed >= {*FILES[1:], image_pins.LIST, "deploy/gitlab/images.yml", "deploy/gitlab/deploy.yml"}
    named = {name for path in image_pins.files_with_images(checkout) for name in image_pins.references(path)}
    assert named == {f"{tagged}@{digest}" for tagged, digest in digests.items()}
    for check in (image_pins.check_pins, images.check_dockerfile, compose.check_versions):
        assert list(check(checkout)) == []
    assert pin(checkout, digests) == []


def test_new_digests_replace_old_ones(checkout: Path) -> None:
    pin(checkout, some_digests(checkout))
    newer = {name: f"sha256:{'f' * 63}{number % 10}" for number, name in enumerate(some_digests(checkout))}
    pin(checkout, newer)
    assert {image.tagged: image.digest for image in image_pins.listed_images(checkout)} == newer
    assert list(image_pins.check_pins(checkout)) == []


def test_all_images_have_digests_or_none(checkout: Path) -> None:
    digests = some_digests(checkout)
    first = next(iter(digests))
    pin(checkout, {name: digest for name, digest in digests.items() if name != first})
    assert [problem for problem in image_pins.check_pins(checkout) if f"without a digest: {first};" in problem]


def test_renovate_finds_and_replaces_each_entry_of_the_list() -> None:
    manager = json.loads((ROOT / "renovate.json").read_text(encoding="utf-8"))["customManagers"][0]
    pattern = manager["matchStrings"][0].replace("(?<", "(?P<")
    text = (ROOT / image_pins.LIST).read_text(encoding="utf-8")
    found = [(match["depName"], match["currentValue"]) for match in re.finditer(pattern, text)]
    assert found == [(image.image, image.version) for image in image_pins.listed_images(ROOT)]
    template = manager["autoReplaceStringTemplate"]
    values = {"depName": "postgres", "newValue": "18.1-bookworm", "newDigest": f"sha256:{'a' * 64}"}
    replaced = re.sub(r"\{\{\{(\w+)\}\}\}", lambda match: values[match[1]], template)
    assert re.fullmatch(pattern, replaced)


def test_the_configuration_of_renovate_has_the_form_of_its_schema() -> None:
    command = [
        sys.executable,
        "-m",
        "check_jsonschema",
        "--builtin-schema",
        "vendor.renovate",
        str(ROOT / "renovate.json"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def registry(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a registry, which keeps images in memory."""
    require_deploy_tools(request)
    with subprocess.Popen(
        [CRANE, "registry", "serve", "--address", "127.0.0.1:0"], stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stderr is not None
            line = process.stderr.readline()
            port = re.search(r"port:? (\d+)", line)
            assert port is not None, line
            yield f"127.0.0.1:{port[1]}"
        finally:
            process.terminate()


def push(name: str, content: str, folder: Path) -> str:
    """Push an image with one file, and return its digest."""
    file, layer = folder / "file", folder / "layer.tar"
    file.write_text(content, encoding="utf-8")
    with tarfile.open(layer, "w") as archive:
        archive.add(file, arcname="file")
    return run_tool(CRANE, "append", "--new_layer", layer, "--new_tag", name).strip().rpartition("@")[2]


@pytest.fixture
def installation(registry: str, tmp_path: Path) -> Path:
    """A folder that names two images of the registry."""
    root = tmp_path / "installation"
    (root / "deploy").mkdir(parents=True)
    names = [(f"{registry}/library/postgres", "18.0-bookworm"), (f"{registry}/redis", "7.4.6-bookworm")]
    entries = "".join(f"  - image: {name}\n    version: {version}\n    digest: null\n" for name, version in names)
    (root / image_pins.LIST).write_text(f"images:\n{entries}", encoding="utf-8")
    services = "".join(f"  s{number}:\n    image: {name}:{version}\n" for number, (name, version) in enumerate(names))
    (root / "docker-compose.yml").write_text(f"services:\n{services}", encoding="utf-8")
    return root


def test_the_command_pins_what_the_registry_has(
    installation: Path, registry: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    postgres, redis = f"{registry}/library/postgres:18.0-bookworm", f"{registry}/redis:7.4.6-bookworm"
    pushed = {name: push(name, name, tmp_path) for name in (postgres, redis)}
    assert run(installation, check=True) == 1
    assert run(installation, check=False) == 0
    assert {image.tagged: image.digest for image in image_pins.listed_images(installation)} == pushed
    assert f"image: {redis}@{pushed[redis]}\n" in (installation / "docker-compose.yml").read_text(encoding="utf-8")
    assert list(image_pins.check_pins(installation)) == []
    assert run(installation, check=True) == 0

    again = push(redis, "the same version, pushed again with other content", tmp_path)
    capsys.readouterr()
    assert run(installation, check=True) == 1
    assert capsys.readouterr().out == f"{redis}: {pushed[redis]} in {image_pins.LIST}, {again} in the registry\n"


def test_nothing_is_written_if_one_image_is_not_in_its_registry(
    installation: Path, registry: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    push(f"{registry}/library/postgres:18.0-bookworm", "the other one is missing", tmp_path)
    before = (installation / image_pins.LIST).read_text(encoding="utf-8")
    assert run(installation, check=False) == 2
    assert f"{registry}/redis:7.4.6-bookworm" in capsys.readouterr().err
    assert (installation / image_pins.LIST).read_text(encoding="utf-8") == before
