"""Write the result of a schema check as text, and in machine-readable formats.

In: a `CheckResult`. Out: text in one of the formats of `FORMATS`. Each format has its own file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.schema_check.rendering.github import render_github
from router.schema_check.rendering.gitlab import render_gitlab
from router.schema_check.rendering.json import render_json
from router.schema_check.rendering.junit import render_junit
from router.schema_check.rendering.markdown import render_markdown
from router.schema_check.rendering.sarif import render_sarif
from router.schema_check.rendering.text import render_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from router.schema_check.judge_changes import CheckResult

FORMATS: Mapping[str, Callable[[CheckResult], str]] = {
    "text": render_text,
    "json": render_json,
    "junit": render_junit,
    "sarif": render_sarif,
    "github": render_github,
    "gitlab": render_gitlab,
    "markdown": render_markdown,
}
