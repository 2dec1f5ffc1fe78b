"""The pages and files that are generated from the configuration's model.

Covers also `router/settings/starter_file.py` and `router/cli/init.py`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from click.testing import CliRunner

from router.cli import command
from router.settings import RouterSettings, load, read
from router.settings.all_keys import keys
from router.settings.reference_page import reference
from router.settings.starter_file import EXAMPLES, starter_file
from servicekit.errors import StartupError

if TYPE_CHECKING:
    import pytest
    from pydantic import BaseModel

ROOT = Path(__file__).parents[3]
KEYS = list(keys())


def test_the_reference_page_is_fresh() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert page == reference(), "run: router config reference > docs/configuration.md"
    assert CliRunner().invoke(command, ["config", "reference"]).output == page


def test_every_key_is_on_the_page_with_its_description() -> None:
    page = reference()
    for key in KEYS:
        assert key.description, key.path
        if key.is_leaf:
            assert f"| `{key.name}` |" in page, key.path
            assert key.description.replace("|", "\\|") in page, key.path


def test_every_section_of_the_model_is_found() -> None:
    found = {key.section for key in KEYS if key.section is not None}

    def sections(model: type[BaseModel]) -> set[type[BaseModel]]:
        return {model, *(inner for each in model.__subclasses__() for inner in sections(each))}

    section = RouterSettings.__mro__[1]
    # Other configurations, such as that of schema checks, have sections too, which another test may have imported.
    own = {each for each in sections(section) if each.model_fields and each.__module__.startswith("router.settings")}
    unreachable = own - found - {RouterSettings}
    assert unreachable == set()


def test_the_starter_file_has_the_effect_of_no_file() -> None:
    assert read(starter_file(), {}) == RouterSettings()


def test_every_key_of_the_starter_file_can_be_activated() -> None:
    switched_on = re.sub(r"^#(?!#| yaml)", "", starter_file(), flags=re.MULTILINE)
    assert len([line for line in switched_on.splitlines() if line and not line.startswith("#")]) > 80
    assert read(switched_on, {}) == RouterSettings()


def test_the_examples_of_the_starter_file_work() -> None:
    examples = re.findall(r"^##> (.*)$", starter_file(), re.MULTILINE)
    assert "\n".join(examples) + "\n" == "".join(EXAMPLES.values())
    (rule,) = read("\n".join(examples), {}).headers.all.request
    assert rule.propagate is not None
    assert rule.propagate.named == "authorization"


def test_init_writes_it_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "is written" in CliRunner().invoke(command, ["init"]).output
    assert load(tmp_path / "router.yaml", {}) == RouterSettings()
    (tmp_path / "router.yaml").write_text("mine")
    refused = CliRunner().invoke(command, ["init"])
    assert isinstance(refused.exception, StartupError)
    assert (tmp_path / "router.yaml").read_text() == "mine"
    CliRunner().invoke(command, ["init", "--force"])
    assert (tmp_path / "router.yaml").read_text() == starter_file()


def test_init_reports_why_it_cannot_write(tmp_path: Path) -> None:
    failed = CliRunner().invoke(command, ["init", "--output", str(tmp_path / "nowhere" / "router.yaml")])
    assert isinstance(failed.exception, StartupError)
    assert "cannot be written" in str(failed.exception)
