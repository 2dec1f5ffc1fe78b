"""Read the pages that explain the error and hint codes of composition.

`find` reads the page of a code from the file `pages/CODE.md`. All pages are Markdown and have the same structure:

    # CODE

    One sentence: what is wrong.

    When the code is reported, in one or more paragraphs.

    **What to do:** one line of advice, which `router compose` prints below an error.

    ## Example

    ```graphql users
    the SDL of the subgraph "users"; composing the example reports the code
    ```

    ## Fixed

    ```graphql users
    the SDL after following the advice; a subgraph without a block here is the same as in the example
    ```

If no small schema can cause the code, the page has no example and no fix, and says why. If the code is used both for an
error and for a hint, the page has a second example (`## Example of the hint`) without a fix.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Final, get_args

from router.composition.error_codes import HINT_LEVELS, ErrorCode, HintCode
from router.composition.reading.read_subgraph import Subgraph

if TYPE_CHECKING:
    from collections.abc import Mapping

ADVICE: Final = "**What to do:** "
EXAMPLE: Final = "Example"
FIXED: Final = "Fixed"
HINT_EXAMPLE: Final = "Example of the hint"

CODES: Final[tuple[str, ...]] = tuple(sorted({*get_args(ErrorCode), *get_args(HintCode)}))
"""Every error and hint code, in alphabetical order."""

_FENCE = re.compile(r"^```graphql (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SECTION = re.compile(r"^## (.+)\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Page:
    """The explanation of one code.

    Attributes:
        code: The code.
        summary: One sentence, without Markdown.
        advice: What to do about the error or hint, in one line.
        text: The whole page in Markdown.
        schemas: The title of a section (`Example`, `Fixed`, `Example of the hint`) → the subgraphs of that section.
    """

    code: str
    summary: str
    advice: str
    text: str
    schemas: Mapping[str, tuple[Subgraph, ...]]


def kinds(code: str) -> str:
    """Return `error` for an error code, and the level for a hint code, such as `WARN`.

    If the code is used for errors and for hints, return both, such as `error or INFO`.
    """
    names = ["error"] if code in get_args(ErrorCode) else []
    level = HINT_LEVELS.get(code)  # type: ignore[call-overload]  # any text is possible
    return " or ".join([*names, *([level] if level else [])])


@cache
def find(code: str) -> Page | None:
    """Return the page of a code; None if there is no such code."""
    if code not in CODES:
        return None
    file = resources.files(__name__) / "pages" / f"{code}.md"
    return parse_page(code, file.read_text(encoding="utf-8"))


def parse_page(code: str, text: str) -> Page:
    """Parse the Markdown of a page.

    Raises:
        ValueError: The title of the page is not `code`.
    """
    head, *rest = _SECTION.split(text)
    paragraphs = [" ".join(paragraph.split()) for paragraph in head.strip().split("\n\n")]
    title, summary = paragraphs[:2]
    (advice,) = (each.removeprefix(ADVICE) for each in paragraphs if each.startswith(ADVICE))
    if title != f"# {code}":
        raise ValueError(f"the page of {code} is titled {title}")
    return Page(code, summary, advice, text, _schemas(dict(zip(rest[::2], rest[1::2], strict=True))))


def _schemas(sections: Mapping[str, str]) -> dict[str, tuple[Subgraph, ...]]:
    found = {title: dict(_FENCE.findall(section)) for title, section in sections.items()}
    if FIXED in found:
        found[FIXED] = {**found[EXAMPLE], **found[FIXED]}
    return {
        title: tuple(Subgraph(name, f"http://{name}.example/graphql", sdl) for name, sdl in sdls.items())
        for title, sdls in found.items()
    }
