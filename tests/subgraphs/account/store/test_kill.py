"""A service that is killed amid its postings: what it answered is there, and the ledger is sound."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from subgraphs.account.store.ledger_check import check_ledger

ROOT = Path(__file__).parents[4]

# Moves money to and fro for ever, eight postings at a time, and tells each id once its posting is answered.
PROGRAM = """
import asyncio, sys
from pathlib import Path
from tests.subgraphs.account.support import funded, person, sqlite_factory, transfer

async def main(path):
    async with sqlite_factory(path)() as store:
        ann = person()
        accounts = [await funded(store, ann, "10.00") for _ in range(2)]
        while True:
            postings = [transfer(ann, accounts[i % 2].id, accounts[1 - i % 2].id, "3.00") for i in range(8)]
            async def post(posting):
                await store.post(posting)
                print(posting.transaction_id, flush=True)
            await asyncio.gather(*map(post, postings))

asyncio.run(main(Path(sys.argv[1])))
"""


async def answered_before_the_kill(path: Path, answers: int) -> int:
    """Let the program run on `path` until it told `answers` ids, kill it, return how many it told in all."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, str(path), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    for _ in range(answers):
        assert await process.stdout.readline()
    process.kill()
    rest = await process.stdout.read()
    await process.wait()
    return answers + rest.count(b"\n")


async def test_what_was_answered_survives_and_nothing_is_half_done(tmp_path: Path) -> None:
    path = tmp_path / "account.sqlite3"
    told = 0
    for round_, answers in enumerate((3, 25, 60), start=1):
        told += await answered_before_the_kill(path, answers)
        report = check_ledger(path)
        assert report.sound, report.violations
        # Each round has two deposits that it does not tell of.
        assert report.posted + report.refused >= told + 2 * round_
        assert report.customer_sums == {"USD": 2000 * round_}
