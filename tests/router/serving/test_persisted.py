"""A live router with persisted documents: ready before a client asks, and no worse off for a list that broke."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.router.serving.harness import QUICK, running, write

if TYPE_CHECKING:
    from pathlib import Path

ME, GREET = "query Me { me { name } }", 'query Greet { greet(name: "x") }'


def listing(folder: Path, content: object) -> str:
    (folder / "list.json").write_text(json.dumps(content))
    return f"{QUICK}persisted_documents: {{mode: measure, manifests: ['{folder}/list.json']}}\n"


async def test_the_documents_of_the_list_are_prepared_before_the_start(tmp_path: Path) -> None:
    async with running(write(tmp_path, 1, listing(tmp_path, {"1": ME, "2": GREET}))) as live:
        assert (await live.status())["warmed_up"] == {"prepared": 2, "skipped": 0, "left": 0}


async def test_a_list_that_broke_leaves_the_old_one_in_force_and_says_why(tmp_path: Path) -> None:
    origin = write(tmp_path, 1, listing(tmp_path, {"1": ME}))
    async with running(origin) as live:
        (tmp_path / "list.json").write_text("{")
        (result,) = await live.router.reload()
        assert result["result"] == "refused"
        assert "list.json: not a manifest" in str(result["reason"])
        answer = await live.client.post({"documentId": "unknown"})
        assert answer.code == "PERSISTED_QUERY_NOT_IN_LIST"
