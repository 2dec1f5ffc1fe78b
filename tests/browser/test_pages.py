"""Each page in Chromium, light and dark, wide and narrow: no error, nothing of other servers, accessible, no shift."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.browser.visit import OVERFLOW, SHIFTS, Visit, violations

# An element that shows that the page has finished its work.
READY = {
    "": "#view-sign-in:not([hidden])",
    "explorer": "#schema-search",
    "graphiql": ".graphiql-query-editor .view-line",
    "docs": ".opblock",
}
QUERY = "{ me { name orders { id } } }"


def test_a_page_has_no_fault(context: Any, page_url: str) -> None:
    visit = Visit(context, page_url)
    visit.page.locator(READY[page_url.rpartition("/")[2]]).first.wait_for(state="attached")
    assert visit.problems == []
    assert violations(visit.page) == []
    assert visit.page.evaluate(OVERFLOW) <= 0
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
    assert page.evaluate(OVERFLOW) <= 0
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
    assert page.evaluate(OVERFLOW) <= 0
    assert [problem for problem in visit.problems if "status of 4" not in problem] == []
