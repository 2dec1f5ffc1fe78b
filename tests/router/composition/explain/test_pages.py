"""Each code has a page, and each page is correct: its example leads to the code, and its fix composes without it.

Covers `router/composition/explain/__init__.py`.
"""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, get_args

import pytest

from router.composition import compose
from router.composition.error_codes import ErrorCode, HintCode
from router.composition.explain import CODES, EXAMPLE, FIXED, HINT_EXAMPLE, find, kinds
from router.errors import SupergraphCode

if TYPE_CHECKING:
    from router.composition.explain import Page

ERRORS = frozenset(get_args(ErrorCode))
HINTS = frozenset(get_args(HintCode))
BOTH = sorted(ERRORS & HINTS)

WITHOUT_EXAMPLE = {
    "INCONSISTENT_TYPE_SYSTEM_DIRECTIVE_LOCATIONS": "a code of other compositions",
    "INCONSISTENT_TYPE_SYSTEM_DIRECTIVE_REPEATABLE": "a code of other compositions",
    "INVALID_FEDERATION_SUPERGRAPH": "reported when a supergraph is loaded",
    "MAX_VALIDATION_SUBGRAPH_PATHS_EXCEEDED": "only a huge federation leads to it",
    "UNSUPPORTED_FEATURE": "only very long lists of requirements lead to it",
    "UNSUPPORTED_LINKED_FEATURE": "reported when a supergraph is loaded",
}
WITHOUT_FIX = {"INVALID_SUBGRAPH_NAME": "the name is not in the schema"}


def page(code: str) -> Page:
    found = find(code)
    assert found is not None
    return found


def with_section(title: str) -> list[str]:
    folder = resources.files("router.composition.explain") / "pages"
    return [code for code in CODES if f"## {title}\n" in (folder / f"{code}.md").read_text(encoding="utf-8")]


def outcome(code: str, title: str) -> tuple[set[str], set[str]]:
    composition = compose(page(code).schemas[title])
    return {error.code for error in composition.errors}, {hint.code for hint in composition.hints}


def test_every_code_has_a_page_and_every_page_a_code() -> None:
    files = {file.name for file in (resources.files("router.composition.explain") / "pages").iterdir()}
    assert files == {f"{code}.md" for code in CODES}


def test_the_codes_of_a_loaded_supergraph_have_pages_too() -> None:
    assert set(get_args(SupergraphCode)) <= set(CODES)


@pytest.mark.parametrize("code", CODES)
def test_a_page_has_its_parts(code: str) -> None:
    found = page(code)
    assert found.summary.endswith(".")
    assert found.advice
    assert "\n" not in found.advice
    assert (EXAMPLE in found.schemas) != (code in WITHOUT_EXAMPLE)
    assert (FIXED in found.schemas) == (EXAMPLE in found.schemas and code not in WITHOUT_FIX)
    assert (HINT_EXAMPLE in found.schemas) == (code in BOTH)


@pytest.mark.parametrize("code", with_section(EXAMPLE))
def test_the_example_leads_to_the_code(code: str) -> None:
    errors, hints = outcome(code, EXAMPLE)
    if code in ERRORS:
        assert code in errors
    else:
        assert not errors
        assert code in hints


@pytest.mark.parametrize("code", with_section(FIXED))
def test_the_fix_composes_without_the_code(code: str) -> None:
    errors, hints = outcome(code, FIXED)
    assert not errors
    assert code not in hints


@pytest.mark.parametrize("code", BOTH)
def test_a_code_that_is_also_a_hint_shows_that_too(code: str) -> None:
    errors, hints = outcome(code, HINT_EXAMPLE)
    assert not errors
    assert code in hints


def test_an_unknown_code_has_no_page() -> None:
    assert find("../../codes") is None
    assert find("NOT_A_CODE") is None


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("KEY_INVALID_FIELDS", "error"),
        ("UNUSED_ENUM_TYPE", "DEBUG"),
        ("CONTEXTUAL_ARGUMENT_NOT_CONTEXTUAL_IN_ALL_SUBGRAPHS", "error or INFO"),
    ],
)
def test_kinds_tell_errors_from_hints(code: str, kind: str) -> None:
    assert kinds(code) == kind
