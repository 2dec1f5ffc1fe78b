"""A page as a person sees it, with everything that goes wrong on it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

AXE = Path(__file__).parents[2] / ".peers" / "browser" / "node_modules" / "axe-core" / "axe.min.js"
SHIFTS = "performance.getEntriesByType('layout-shift').filter(e => !e.hadRecentInput).reduce((s, e) => s + e.value, 0)"
OVERFLOW = "document.scrollingElement.scrollWidth - innerWidth"


class Visit:
    """A page in a separate browser context, with what went wrong on it."""

    def __init__(self, context: Any, url: str) -> None:
        self.problems: list[str] = []
        self.page = context.new_page()
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.problems.append(f"exception: {error}"))
        self.page.on("request", lambda request: self._requested(request.url, url))
        self.page.goto(url)

    def _heard(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            self.problems.append(f"{message.type}: {message.text}")

    def _requested(self, requested: str, url: str) -> None:
        origin = re.match(r"https?://[^/]+", url)
        assert origin is not None
        if not requested.startswith((origin[0], "blob:", "data:")):
            self.problems.append(f"request to {requested}")


def violations(page: Any) -> list[str]:
    """The serious and critical findings of axe-core on the page as it is now."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [
        f"{each['id']}: {[node['html'][:160] + ' ' + str(node['any'][:1])[:240] for node in each['nodes'][:4]]}"
        for each in found
        if each["impact"] in {"serious", "critical"}
    ]
