"""Keys of other routers get the key of this router, and the pages in docs/coming-from list the same keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from router.settings import InvalidSettings, read
from router.settings.all_keys import keys
from router.settings.keys_of_other_routers import APOLLO, COSMO, HIVE, TABLES, Counterpart

ROOT = Path(__file__).parents[3]
PAGES = {APOLLO: "apollo-router", HIVE: "hive-router", COSMO: "cosmo-router"}
OUR_KEYS = {key.path for key in keys()}
ROWS = [(router, written) for router, table in TABLES.items() for written in table]


def problems(text: str) -> list[str]:
    with pytest.raises(InvalidSettings) as refused:
        read(text, {})
    return [str(problem) for problem in refused.value.problems]


def sample(written: str) -> str:
    """A configuration with the key `written`, in the flow style of YAML."""
    text = "x"
    for part in reversed(written.split(".")):
        text = f"[{text}]" if part == "*" else f"{{{part}: {text}}}"
    return text


@pytest.mark.parametrize(("router", "written"), ROWS)
def test_each_key_of_another_router_gets_a_pointed_message(router: str, written: str) -> None:
    text = sample(written.replace("subgraphs.*", "subgraphs.products"))
    assert any(router in problem and "Here: " in problem for problem in problems(text))


@pytest.mark.parametrize(("router", "written"), ROWS)
def test_each_counterpart_exists(router: str, written: str) -> None:
    counterpart = TABLES[router][written]
    assert set(counterpart.keys) <= OUR_KEYS
    assert str(counterpart)
    assert written.replace("*", "<name>") not in OUR_KEYS, "this router has the key, so nobody reads the row"


def test_every_key_inside_an_unknown_section_is_reported_with_its_line() -> None:
    deduplicate = "traffic_shaping.all.deduplicate_query"
    text = "traffic_shaping:\n  all:\n    timeout: 5s\n    deduplicate_query: true\nserver: {port: 0}\n"
    assert [problem.removeprefix("router.yaml:") for problem in problems(text)] == [
        "1: traffic_shaping: unknown key. Apollo Router, Hive Router, Cosmo Router have this key. Here: `traffic`.",
        "3: traffic_shaping.all.timeout: unknown key. Apollo Router has this key. Here: `traffic.all.timeout`.",
        f"4: {deduplicate}: unknown key. Apollo Router has this key. Here: `traffic.all.share_queries`.",
    ]


def test_values_of_unknown_keys_are_not_repeated() -> None:
    assert "s3cret" not in "".join(problems("supergraph: {key: s3cret}\ngraph: {token: s3cret}\n"))


@pytest.mark.parametrize("router", TABLES)
def test_the_page_lists_the_keys(router: str) -> None:
    page = (ROOT / "docs" / "coming-from" / f"{PAGES[router]}.md").read_text()
    expected = "".join(f"| `{written}` | {_cell(counterpart)} |\n" for written, counterpart in TABLES[router].items())
    assert f"|---|---|\n{expected}" in page, f"the table of the page must be:\n{expected}"


def _cell(counterpart: Counterpart) -> str:
    return str(counterpart) if counterpart.keys else f"no such key; {counterpart.note}"
