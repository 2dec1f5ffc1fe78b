"""The wheel carries what `mosafe up` needs outside a checkout. Covers `bank/platform_files.py`."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from bank.platform_files import ROUTER_CONFIG, SUPERGRAPH, platform_file

ROOT = Path(__file__).parents[2]
# The commands that `mosafe up` would start, and the settings of REST, as an installation from a wheel has them.
PRINT_FILES = """
import sys
sys.path.insert(0, sys.argv[1])
sys.meta_path = [finder for finder in sys.meta_path if "editable" not in repr(finder)]
from mosafe.processes import PROCESSES, command_line
from rest_compat.settings import RestSettings
import mosafe
assert mosafe.__file__.startswith(sys.argv[1]), mosafe.__file__
router = next(process for process in PROCESSES if process.name == "router")
arguments = command_line(router)
print(arguments[arguments.index("--supergraph") + 1])
print(arguments[arguments.index("--config") + 1])
print(RestSettings.model_validate({}).supergraph)
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the content of the wheel, as an installer unpacks it."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    result = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_an_installation_finds_the_supergraph_and_the_configuration(installed: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", PRINT_FILES, str(installed)]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    supergraph, config, rest = map(Path, result.stdout.splitlines())
    assert supergraph.read_text() == (ROOT / SUPERGRAPH).read_text()
    assert config.read_text() == (ROOT / ROUTER_CONFIG).read_text()
    assert rest == supergraph
    assert supergraph.is_relative_to(installed)


def test_the_wheel_carries_every_file_of_the_packages(installed: Path) -> None:
    packages = ("router", "bank", "subgraphs", "rest_compat", "servicekit", "mosafe")
    files = [file.relative_to(ROOT) for package in packages for file in (ROOT / package).rglob("*") if file.is_file()]
    missing = [file for file in files if "__pycache__" not in file.parts and not (installed / file).exists()]
    assert missing == []


def test_a_checkout_uses_the_files_that_people_edit() -> None:
    assert platform_file(SUPERGRAPH) == ROOT / "supergraph.graphql"
    assert platform_file(ROUTER_CONFIG) == ROOT / "router.yaml"


def test_an_installation_has_the_pages_of_router_and_rest(installed: Path) -> None:
    """GraphiQL is in the wheel if `make ide` has bundled it, although git ignores it."""
    pages = installed / "router" / "server" / "pages"
    assert (pages / "explorer" / "index.html").exists()
    assert (pages / "explorer" / "main.mjs").exists()
    assert (installed / "rest_compat" / "api_reference" / "index.html").exists()
    bundled = (ROOT / "router" / "server" / "pages" / "graphiql" / "graphiql.js").exists()
    assert (pages / "graphiql" / "graphiql.js").exists() is bundled
