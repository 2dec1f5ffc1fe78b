"""Print the errors and hints of a composition, as text and in machine-readable formats.

The functions in `FORMATS` convert `Diagnostics` to text. A *finding* is an error or a hint. Read `collect_diagnostics`
first. Each format has its own file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.rendering.github import render_github
from router.composition.rendering.json import render_json
from router.composition.rendering.junit import render_junit
from router.composition.rendering.sarif import render_sarif
from router.composition.rendering.text import render_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from router.composition.rendering.collect_diagnostics import Diagnostics

FORMATS: Mapping[str, Callable[[Diagnostics], str]] = {
    "text": render_text,
    "json": render_json,
    "github": render_github,
    "sarif": render_sarif,
    "junit": render_junit,
}
