"""docs/federation.md and the pages of its suites are up to date with the cases."""

from __future__ import annotations

from tests.docs.federation import PAGE, SUITES, pages


async def test_the_pages_are_up_to_date() -> None:
    written = {path: path.read_text(encoding="utf-8") for path in (PAGE, *SUITES.glob("*.md"))}
    assert written == await pages(), "run `python -m tests.docs.federation`"
