"""docs/federation.md says what the cases show."""

from __future__ import annotations

from tests.docs.federation import PAGE, page


async def test_the_page_is_what_running_its_cases_gives() -> None:
    assert PAGE.read_text(encoding="utf-8") == await page(), "run `python -m tests.docs.federation`"
