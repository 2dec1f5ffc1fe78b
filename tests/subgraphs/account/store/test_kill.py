"""A process that is killed during postings: those that returned are stored, and the ledger is sound.

Covers `subgraphs/account/store/sqlite.py`.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from subgraphs.account.store.sqlite_ledger_check import check_ledger

ROOT = Path(__file__).parents[4]

# Moves money between two accounts without end, eight postings at a time; prints each id when its posting returns.
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


async def returned_before_the_kill(path: Path, count: int) -> int:
    """Run the program on `path`, kill it after `count` printed ids, return the number of all printed ids."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, str(path), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    for _ in range(count):
        assert await process.stdout.readline()
    process.kill()
    rest = await process.stdout.read()
    await process.wait()
    return count + rest.count(b"\n")


async def test_returned_postings_survive_and_none_is_half_done(tmp_path: Path) -> None:
    path = tmp_path / "account.sqlite3"
    printed = 0
    for round_, count in enumerate((3, 25, 60), start=1):
        printed += await returned_before_the_kill(path, count)
        report = check_ledger(path)
        assert report.sound, report.violations
        # Each round makes two deposits whose ids it does not print.
        assert report.posted + report.refused >= printed + 2 * round_
        assert report.customer_sums == {"USD": 2000 * round_}
