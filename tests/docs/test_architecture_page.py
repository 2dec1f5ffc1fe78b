"""`docs/architecture.md` names every folder of the router, its floor, and the packages that each package may import."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from tests.test_architecture import ALLOWED, FLOORS

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
FOLDERS: Final = re.search(r"^## The router's folders\n(.*?)^## ", PAGE, re.MULTILINE | re.DOTALL)
LAYERS: Final = re.search(r"^## Layers\n(.*?)^## ", PAGE, re.MULTILINE | re.DOTALL)


def test_every_folder_and_module_of_the_router_is_described() -> None:
    entries = [path for path in (ROOT / "router").iterdir() if not path.name.startswith("_")]
    names = {f"{path.name}/" for path in entries if path.is_dir()} | {
        path.name for path in entries if path.suffix == ".py"
    }
    assert FOLDERS is not None
    assert set(re.findall(r"^\| `([\w./]+)` \|", FOLDERS[1], re.MULTILINE)) == names


def test_the_layers_are_those_that_are_enforced() -> None:
    assert LAYERS is not None
    described: dict[str, set[str]] = {}
    for packages, allowed in re.findall(r"^\| (`.+?) \| (.+?) \|$", LAYERS[1], re.MULTILINE):
        for package in re.findall(r"`([\w.]+)`", packages):
            described[package] = set(re.findall(r"`([\w.]+)`", allowed))
    everything = {name for name in ALLOWED if "." not in name} | {"subgraphs"}
    described["mosafe"] = everything - {"mosafe"}
    assert described == ALLOWED


def test_the_floors_are_those_that_are_enforced() -> None:
    assert LAYERS is not None
    rows = dict(re.findall(r"^\| (\d+) \| (.+) \|$", LAYERS[1], re.MULTILINE))
    described = {number: set(re.findall(r"`(\w+)(?:/|\.py)`", names)) for number, names in rows.items()}
    assert described == {str(number): set(names) for number, names in enumerate(FLOORS, 1)}
