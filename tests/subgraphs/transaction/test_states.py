from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest

from subgraphs.transaction.domain import SETTLED, IllegalTransition, Parties, TransactionStatus
from subgraphs.transaction.problems import SameAccount
from subgraphs.transaction.states import MOVES, Move, diagram, moved
from tests.subgraphs.transaction.support import START, party, payment_order, transaction

S = TransactionStatus
LATER = START + timedelta(seconds=1)
ROOT = Path(__file__).parents[3]


def test_every_status_is_reached_and_only_open_ones_reach_an_outcome() -> None:
    assert set(MOVES) == set(Move)
    assert {row.after for row in MOVES.values()} == set(S)
    assert {row.before for row in MOVES.values() if row.after in {S.FAILED, S.COMPLETED} and row.before} == {S.PENDING}
    assert {row.after for row in MOVES.values() if row.before is S.HELD} == {S.PENDING}
    assert {row.before for row in MOVES.values() if row.after is S.REVERSED} == SETTLED - {S.REVERSED}
    assert set(S) - {row.before for row in MOVES.values()} == {S.FAILED, S.REVERSED}
    assert {row.before for row in MOVES.values() if row.by_staff} == {S.HELD}


@pytest.mark.parametrize(("move", "status"), [*product(Move, S)])
def test_a_move_is_made_from_its_status_only_and_is_idempotent(move: Move, status: TransactionStatus) -> None:
    ann, row = party(), MOVES[move]
    found = transaction(payment_order(ann), Parties(ann, None), status=status)
    if status is row.after:
        assert moved(found, move, LATER, SameAccount()) is found
    elif status is row.before:
        expected = replace(found, status=row.after, problem=SameAccount(), updated_at=LATER)
        assert moved(found, move, LATER, SameAccount()) == expected
    else:
        with pytest.raises(IllegalTransition, match=f"{found.id}: cannot {move} while {status}"):
            moved(found, move, LATER)


def test_the_documentation_draws_the_table() -> None:
    text = (ROOT / "docs/spec/bank.md").read_text(encoding="utf-8")
    assert f"```mermaid\n{diagram()}\n```" in text
    for move, row in MOVES.items():
        who = "staff" if row.by_staff else "the service"
        assert f"| {move} | {row.before or '(new)'} | {row.after} | {who} | {row.reason} |" in text
