"""Each page in Chromium, light and dark, wide and narrow: no error, nothing of other servers, accessible, no shift."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.conftest import AXE

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMES = ("light", "dark")
SIZES = ((1280, 800), (375, 812))
# An element that shows that the page has finished its work.
READY = {"explorer": "#schema-search", "graphiql": ".graphiql-query-editor .view-line", "docs": ".opblock"}
SHIFTS = "performance.getEntriesByType('layout-shift').filter(e => !e.hadRecentInput).reduce((s, e) => s + e.value, 0)"
QUERY = "{ me { name orders { id } } }"


class Visit:
    """A page in a browser context of its own, with what went wrong on it."""

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


@pytest.fixture(
    params=[(scheme, size) for scheme in SCHEMES for size in SIZES], ids=lambda each: f"{each[0]}-{each[1][0]}"
)
def context(request: pytest.FixtureRequest, chromium: Any) -> Iterator[Any]:
    scheme, (width, height) = request.param
    context = chromium.new_context(color_scheme=scheme, viewport={"width": width, "height": height})
    # The entries of layout shifts are kept only for an observer that is there from the beginning.
    context.add_init_script("new PerformanceObserver(() => {}).observe({type: 'layout-shift', buffered: true})")
    context.set_default_timeout(20_000)
    yield context
    context.close()


def violations(page: Any) -> list[str]:
    """The serious and critical findings of axe-core on the page as it is now."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [
        f"{each['id']}: {[node['html'][:160] + ' ' + str(node['any'][:1])[:240] for node in each['nodes'][:4]]}"
        for each in found
        if each["impact"] in {"serious", "critical"}
    ]


def test_a_page_has_no_fault(context: Any, page_url: str) -> None:
    visit = Visit(context, page_url)
    visit.page.locator(READY[page_url.rpartition("/")[2]]).first.wait_for(state="attached")
    assert visit.problems == []
    assert violations(visit.page) == []
    assert visit.page.evaluate("document.scrollingElement.scrollWidth - innerWidth") <= 0
    assert visit.page.evaluate(SHIFTS) < 0.02


def test_the_explorer_shows_the_response_the_plan_and_the_schema(context: Any, router_url: str) -> None:
    visit = Visit(context, f"{router_url}/ide/explorer")
    page = visit.page
    page.locator("#schema-search").wait_for(state="attached")
    page.fill("#query", QUERY)
    page.click("#run")
    page.locator("#response span").first.wait_for()
    response = json.loads(page.inner_text("#response"))
    assert response == {"data": {"me": {"name": "Ada", "orders": [{"id": "7"}, {"id": "8"}]}}}
    assert re.fullmatch(r"200 · \d+ ms · .+", page.inner_text("#status"))
    assert violations(page) == []
    page.click("#tab-plan")
    assert page.locator(".plan-box").count() == 2
    assert [re.sub(r"[\d.]+", "n", text) for text in page.locator(".plan-time").all_text_contents()] == ["n ms", "n ms"]
    assert violations(page) == []
    page.click("#tab-schema")
    page.fill("#schema-search", "amount")
    page.locator(".schema-link", has_text="Order").first.click()
    assert page.inner_text(".schema-title") == "type Order"
    assert violations(page) == []
    assert page.evaluate("document.scrollingElement.scrollWidth - innerWidth") <= 0
    assert visit.problems == []


def test_the_explorer_completes_with_the_keyboard(context: Any, router_url: str) -> None:
    visit = Visit(context, f"{router_url}/ide/explorer")
    page = visit.page
    page.locator("#schema-search").wait_for(state="attached")
    page.fill("#query", "")
    page.locator("#query").press_sequentially("{ me { na")
    page.locator("#completions [role=option]").first.wait_for()
    assert page.get_attribute("#query", "aria-expanded") == "true"
    assert violations(page) == []
    page.keyboard.press("Enter")
    assert page.input_value("#query") == "{ me { name"
    page.keyboard.press("Control+z")
    assert page.input_value("#query") != "{ me { name"
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "tab-variables"
    assert visit.problems == []


def test_the_explorer_keeps_a_token_for_its_tab_only(context: Any, router_url: str) -> None:
    url = f"{router_url}/ide/explorer"
    page = Visit(context, url).page
    page.click("#tab-headers")
    page.fill("#headers", "Authorization: Bearer secret")
    page.reload()
    assert page.input_value("#headers") == "Authorization: Bearer secret"
    assert "secret" not in page.evaluate("JSON.stringify(localStorage)")
    assert Visit(context, url).page.input_value("#headers") == ""


def test_graphiql_shows_the_plan(context: Any, router_url: str, page_url: str) -> None:
    if not page_url.endswith("graphiql"):
        return
    visit = Visit(context, f"{router_url}/?query={QUERY}")
    page = visit.page
    page.locator(READY["graphiql"]).first.wait_for()
    page.locator(".graphiql-execute-button").click()
    page.get_by_role("button", name="Show Query plan").click()
    page.locator(".plan-box").first.wait_for()
    assert page.locator(".plan-box").count() == 2
    assert visit.problems == []


def test_the_reference_sends_requests(context: Any, rest_url: str) -> None:
    visit = Visit(context, f"{rest_url}/docs")
    page = visit.page
    page.locator(".opblock", has_text="/api/auth/login").locator(".opblock-summary-control").click()
    page.locator(".try-out__btn").click()
    assert violations(page) == []
    page.locator(".execute").click()
    page.locator(".live-responses-table").wait_for()
    assert violations(page) == []
    assert page.locator(".live-responses-table tbody .response-col_status").first.inner_text()[:1] in "245"
    assert page.evaluate("document.scrollingElement.scrollWidth - innerWidth") <= 0
    assert [problem for problem in visit.problems if "status of 4" not in problem] == []
