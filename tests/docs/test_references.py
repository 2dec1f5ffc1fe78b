"""Each reference in sources, tests and documents has a target in the repository or in a public specification.

- A paragraph is one of `docs/spec` (`execution §3.2`) or of a public specification. A bare `§3.2` stands only
  in a package whose `__init__` docstring names the page.
- Links, anchors, paths of files and names of modules exist.
- No text refers to documents that are not in the repository.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[2]
SPEC: Final = ROOT / "docs" / "spec"
PACKAGES: Final = ("router", "servicekit", "bank", "subgraphs", "rest_compat", "mosafe")
FOLDERS: Final = (*PACKAGES, "tests", "benchmarks", "docs", "ci")
ENDINGS: Final = ("py", "md", "yml")
# Further files with comments.
OTHERS: Final = ("Makefile", "pyproject.toml", ".ci/run", ".ci/nightly", "router.yaml", ".pre-commit-config.yaml")

PAGES: Final = ("composition", "planning", "execution", "bank")
# Public specifications, whose paragraphs are not checked.
PUBLIC: Final = (
    r"RFC[ \xa0]\d+",
    "W3C Trace Context",
    "GraphQL specification",
    "GraphQL over HTTP",
    "OpenID Connect Core",
)
PARAGRAPH: Final = r"§(\d+(?:\.\d+)*)"
# The name of a page or specification, and one or more of its paragraphs.
MORE: Final = rf"(?:,| and| or| to|, and)\s+{PARAGRAPH}"
OWNED: Final = re.compile(rf"\b(?P<owner>{'|'.join((*PAGES, *PUBLIC))})\s+(?P<list>{PARAGRAPH}(?:{MORE})*)")

ABSENT_DOCUMENTS: Final = re.compile(
    r"""\b[Tt]he\ seed\b | \bseed's\b | the_?seed | THE_SEED
      | \b[Cc]ontract,?\ (?:section|§) | \b(?:order|documents|sixteen|rules)\ of\ the\ contract\b
      | \bdesign\.md\b | \b[Tt]he\ design\b | \(design[:,)]
      | \b(?:planner|executor|composition)\ reference\b | \b(?:composition|planner|executor|contract)\.md,?\ §
      | \b(?:planner|executor|contract|features|capabilities|limits|style|words)\.md\b""",
    re.VERBOSE,
)

LINK: Final = re.compile(r"(?<!!)\[[^\]\n]*\]\(([^)\s]+)\)")
HEADING: Final = re.compile(r"^#{1,6} (.+?)\s*$", re.MULTILINE)
FENCE: Final = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
PATH: Final = re.compile(rf"(?<![\w./<~:-])((?:{'|'.join((*FOLDERS, '[.]ci'))})/[\w./-]*)([<*{{]?)")
DOTTED: Final = re.compile(rf"(?<![\w./-])((?:{'|'.join(PACKAGES)})(?:\.[A-Za-z_]\w*)+)(?![\w/])")
FILE_ENDINGS: Final = (".yaml", ".graphql", ".md", ".json", ".toml", ".txt")


@dataclass(frozen=True)
class Text:
    """The text of a file in parts with line numbers; of a Python file only the comments and docstrings."""

    path: Path
    parts: tuple[tuple[int, str], ...]
    source: str = ""

    @property
    def whole(self) -> Text:
        """The complete text of the file."""
        return Text(self.path, ((1, self.source),)) if self.source else self

    def __str__(self) -> str:
        return str(self.path.relative_to(ROOT))

    def found(self, pattern: re.Pattern[str]) -> Iterator[tuple[str, re.Match[str]]]:
        """Matches, each with `file:line`."""
        for start, part in self.parts:
            for match in pattern.finditer(part):
                yield f"{self}:{start + part.count(chr(10), 0, match.start())}", match


def comments_and_docstrings(source: str) -> Iterator[tuple[int, str]]:
    block: list[tuple[int, str]] = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            if block and block[-1][0] + 1 != token.start[0]:
                yield block[0][0], "\n".join(line for _, line in block)
                block = []
            block.append((token.start[0], token.string.lstrip("# ")))
    if block:
        yield block[0][0], "\n".join(line for _, line in block)
    lines = source.splitlines()
    for node in ast.walk(ast.parse(source)):
        # Docstrings, also those of attributes.
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.lineno, "\n".join(lines[node.lineno - 1 : node.end_lineno])


@cache
def texts() -> tuple[Text, ...]:
    paths = [path for folder in FOLDERS for ending in ENDINGS for path in (ROOT / folder).rglob(f"*.{ending}")]
    paths += [*ROOT.glob("*.md"), *(ROOT / name for name in OTHERS if (ROOT / name).exists())]
    found = []
    for path in sorted(paths):
        if path == Path(__file__) or "node_modules" in path.parts:
            continue
        source = path.read_text(encoding="utf-8")
        parts = comments_and_docstrings(source) if path.suffix == ".py" else [(1, source)]
        found.append(Text(path, tuple(parts), source))
    return tuple(found)


@cache
def anchors(path: Path) -> frozenset[str]:
    """The anchors that GitHub gives to the headings of a Markdown file."""
    headings = HEADING.findall(FENCE.sub("", path.read_text(encoding="utf-8")))
    return frozenset(re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings)


@cache
def paragraphs(page: str) -> frozenset[str]:
    """The numbered headings of a page, and the numbered items of paragraphs that are lists."""
    text = (SPEC / f"{page}.md").read_text(encoding="utf-8")
    return frozenset(re.findall(r"^#{2,} (\d+(?:\.\d+)*) ", text, re.MULTILINE))


@cache
def own_page(path: Path) -> str | None:
    """The page to which a bare `§3.2` in this file refers: the file itself, or the page that its package names."""
    if path.parent == SPEC:
        return path.stem
    for folder in path.parents:
        init = folder / "__init__.py"
        if folder == ROOT or not init.exists():
            return None
        docstring = ast.get_docstring(ast.parse(init.read_text(encoding="utf-8"))) or ""
        named = re.search(rf"docs/spec/({'|'.join(PAGES)})\.md", docstring)
        if named:
            return named[1]
    return None


def wrong_paragraphs(text: Text) -> Iterator[str]:
    for place, match in text.found(OWNED):
        page = match["owner"]
        known = paragraphs(page) if page in PAGES else None
        for number in re.findall(PARAGRAPH, match["list"]):
            if known is not None and number not in known:
                yield f"{place}: {page} §{number}"
    without_owner = Text(text.path, tuple((line, OWNED.sub(blanked, part)) for line, part in text.parts))
    page = own_page(text.path)
    for place, match in without_owner.found(re.compile(PARAGRAPH)):
        if page is None or match[1] not in paragraphs(page):
            yield f"{place}: §{match[1]} of {page or 'no page'}"


def blanked(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", match[0])


def wrong_links(text: Text) -> Iterator[str]:
    for place, match in text.found(LINK):
        target, _, anchor = match[1].partition("#")
        if "://" in target or target.startswith("mailto:"):
            continue
        path = (text.path.parent / target).resolve() if target else text.path
        if not path.exists():
            yield f"{place}: {match[1]}"
        elif anchor and anchor not in anchors(path):
            yield f"{place}: {match[1]} has no such heading"


def wrong_paths(text: Text) -> Iterator[str]:
    for place, match in text.found(PATH):
        name = match[1].rstrip(".")
        if match[2]:
            name = name.rpartition("/")[0]
        if not (ROOT / name).exists() and name not in only_in_wheel():
            yield f"{place}: {name}"


@cache
def only_in_wheel() -> frozenset[str]:
    """The paths that exist in the wheel, but not in every checkout: files elsewhere, and generated folders."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    build = project["tool"]["hatch"]["build"]
    moved = build["targets"]["wheel"]["force-include"].values()
    return frozenset([*moved, *(pattern.removesuffix("/**") for pattern in build["artifacts"])])


def wrong_names(text: Text) -> Iterator[str]:
    for place, match in text.found(DOTTED):
        name = match[1]
        if not name.endswith(FILE_ENDINGS) and not exists(name):
            yield f"{place}: {name}"


@cache
def exists(name: str) -> bool:
    """Whether a dotted name is a module or a name in a module."""
    path, steps = ROOT, name.split(".")
    while steps and (path / steps[0]).is_dir():
        path /= steps.pop(0)
    module = path / f"{steps[0]}.py" if steps and (path / f"{steps[0]}.py").exists() else path / "__init__.py"
    rest = steps[1:] if module.name != "__init__.py" else steps
    return module.exists() and (
        not rest or re.search(rf"\b{rest[0]}\b", module.read_text(encoding="utf-8")) is not None
    )


def absent_documents(text: Text) -> Iterator[str]:
    for place, match in text.whole.found(ABSENT_DOCUMENTS):
        yield f"{place}: {match[0]}"


CHECKS: Final = (wrong_paragraphs, wrong_links, wrong_paths, wrong_names, absent_documents)


# One test for all checks, because each process that runs tests would read all files for its checks.
def test_every_reference_has_a_target() -> None:
    wrong = {check.__name__: [wrong for text in texts() for wrong in check(text)] for check in CHECKS}
    assert wrong == {check.__name__: [] for check in CHECKS}


def test_all_folders_and_pages_are_checked() -> None:
    assert {text.path.relative_to(ROOT).parts[0] for text in texts()} >= {*FOLDERS, "README.md", "Makefile"}
    assert sum(1 for text in texts() for _ in text.found(OWNED)) > len(PAGES)


@pytest.mark.parametrize(
    ("check", "wrong"),
    [
        (wrong_paragraphs, "as execution §99 says"),
        (wrong_paragraphs, "as execution §3.2 and §3.99 say"),
        (wrong_paragraphs, "as §3.2 says"),
        (wrong_links, "see [there](nowhere.md)"),
        (wrong_links, "see [there](README.md#no-such-heading)"),
        (wrong_paths, "see router/nowhere.py"),
        (wrong_names, "see `router.nowhere.Nobody`"),
        (absent_documents, "as the seed says"),
        (absent_documents, "(planner reference §7)"),
    ],
)
def test_a_wrong_reference_is_found(check: object, wrong: str) -> None:
    assert callable(check)
    assert list(check(Text(ROOT / "example.md", ((1, wrong),))))


@pytest.mark.parametrize(
    "right", ["execution §3.2, §3.3 and §4", "RFC 9110 §12.5.1", "[x](docs/router.md#reload)", "`router.errors`"]
)
def test_a_right_reference_is_not_reported(right: str) -> None:
    text = Text(ROOT / "example.md", ((1, right),))
    assert [wrong for check in CHECKS for wrong in check(text)] == []
