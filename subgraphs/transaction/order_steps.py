"""The steps that carry out a recorded order. Each of them may be repeated (bank §2.7).

```
fraud decision -> reserve the money -> hold          waits for a review (bank §2.17)
               -> fail                               refused
               -> authorise -> post -> capture | void -> complete | fail
approved       -> authorise -> post -> capture | void -> complete | fail        the posting captures the hold
rejected       -> release the money -> fail
```

The decision of the fraud rules is stored before the next step. So an order is judged only once, even if its steps are
repeated.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from servicekit.errors import Unavailable
from subgraphs.transaction.domain import TransactionStatus, TransactionType, in_requester_terms
from subgraphs.transaction.ledger_client import OutcomeUnknown, Refused
from subgraphs.transaction.payment_provider import PaymentInstruction, ProviderPending, ProviderUnavailable
from subgraphs.transaction.problems import OrderRefused, PaymentDeclined, Problem
from subgraphs.transaction.review import expires_at
from subgraphs.transaction.states import Move, moved

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from subgraphs.transaction.domain import Transaction
    from subgraphs.transaction.fraud.decision import Decision
    from subgraphs.transaction.ledger_client import Ledger
    from subgraphs.transaction.payment_provider import PaymentProvider
    from subgraphs.transaction.rates.rates_table import RatesTable
    from subgraphs.transaction.store.protocol import TransactionStore

# The types of orders that need the payment provider, because their money enters or leaves the bank.
EXTERNAL: Final = frozenset({TransactionType.DEPOSIT, TransactionType.WITHDRAWAL, TransactionType.PAYMENT})

_log = structlog.stdlib.get_logger("saga")


class Fraud(Protocol):
    """The fraud checks. They are implemented by `subgraphs.transaction.fraud.fraud_checks.FraudChecks`."""

    async def decide(self, transaction: Transaction) -> Decision:
        """Decide about a recorded order within the deadline of fraud checks. The method raises no errors."""

    async def settled(self, transaction: Transaction) -> None:
        """Count an order whose money has moved. The method raises no errors."""


@dataclass(frozen=True, slots=True)
class Partners:
    """The other parts that are needed to carry out an order, besides the store.

    Attributes:
        rates: returns the present exchange rates; None if no currency is exchanged.
        fraud: the fraud checks; None if orders are not judged, as for demonstration data.
    """

    ledger: Ledger
    provider: PaymentProvider
    fraud: Fraud | None = None
    rates: Callable[[], RatesTable | None] = lambda: None


class OrderSteps:
    """Carries out recorded orders. `carry_out` is called once for each order."""

    def __init__(self, store: TransactionStore, partners: Partners, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._partners = partners
        self._clock = clock

    async def carry_out(self, transaction: Transaction) -> Transaction:
        """Carry out an order as far as possible, and return the changed transaction.

        If the outcome of a step is unknown, the transaction is still PENDING.
        """
        current = transaction
        try:
            current = await self._judge(current)
            if current.status is TransactionStatus.PENDING:
                current = await (self._hold(current) if current.must_be_held else self._finish(current))
        except ProviderPending as pending:
            _log.info("order stays pending", transaction=transaction.id, reason=str(pending))
        except (OutcomeUnknown, ProviderUnavailable, Unavailable) as error:
            _log.warning("outcome unknown, order stays pending", transaction=transaction.id, reason=str(error))
        return current

    async def _judge(self, transaction: Transaction) -> Transaction:
        fraud = self._partners.fraud
        if transaction.order.reversal is not None:
            # A member of staff ordered the reversal, so it is not judged.
            return transaction
        if fraud is None or transaction.status is not TransactionStatus.PENDING or transaction.decision is not None:
            return transaction
        decision = await fraud.decide(transaction)
        at = self._clock()
        judged = await self._store.change(
            transaction.id, lambda found: judged_by(found, decision, at), known=transaction
        )
        if judged.status is not TransactionStatus.PENDING:
            _log.info("judged", transaction=judged.id, status=judged.status, score=decision.score)
        return judged

    async def _hold(self, transaction: Transaction) -> Transaction:
        if transaction.has_hold:
            outcome = await self._partners.ledger.reserve(transaction, expires_at(transaction))
            if isinstance(outcome, Refused):
                return await self._conclude(transaction, in_requester_terms(outcome.problem, transaction))
        at = self._clock()
        return await self._store.change(transaction.id, lambda found: moved(found, Move.HOLD, at), known=transaction)

    async def _finish(self, transaction: Transaction) -> Transaction:
        problem = transaction.refusal
        if problem is not None:
            await self._free(transaction)
        else:
            problem = await (self._external(transaction) if is_external(transaction) else self._post(transaction))
        return await self._conclude(transaction, problem)

    async def _free(self, transaction: Transaction) -> None:
        if transaction.has_hold:
            await self._partners.ledger.release_hold(transaction)

    async def _conclude(self, transaction: Transaction, problem: Problem | None) -> Transaction:
        move, at = Move.COMPLETE if problem is None else Move.FAIL, self._clock()
        reversal = transaction.order.reversal
        if reversal is not None and problem is None:
            await self._store.change(reversal.of, lambda found: moved(found, Move.REVERSE, at))
        concluded = await self._store.change(
            transaction.id, lambda found: moved(found, move, at, problem), known=transaction
        )
        code = problem.code if problem else None
        _log.info("concluded", transaction=transaction.id, status=concluded.status, problem=code)
        if self._partners.fraud is not None and reversal is None:
            await self._partners.fraud.settled(concluded)
        return concluded

    async def _post(self, transaction: Transaction) -> Problem | None:
        outcome = await self._partners.ledger.post(transaction)
        return in_requester_terms(outcome.problem, transaction) if isinstance(outcome, Refused) else None

    async def _external(self, transaction: Transaction) -> Problem | None:
        instruction, provider = payment_instruction(transaction), self._partners.provider
        if not await provider.authorise(instruction):
            await self._free(transaction)
            return PaymentDeclined()
        problem = await self._post(transaction)
        await (provider.capture(instruction) if problem is None else provider.void(instruction))
        return problem


def judged_by(found: Transaction, decision: Decision, at: datetime) -> Transaction:
    """Return the transaction with the decision. If the decision refuses the order, the new status is FAILED.

    A transaction that is not PENDING, or that already has a decision, is returned unchanged.
    """
    if found.decision is not None or found.status is not TransactionStatus.PENDING:
        return found
    judged = replace(found, decision=decision)
    return moved(judged, Move.FAIL, at, OrderRefused()) if decision.is_refused else judged


def is_external(transaction: Transaction) -> bool:
    """Whether the payment provider moves money for the order."""
    return transaction.order.original_type in EXTERNAL and not transaction.is_chargeback


def payment_instruction(transaction: Transaction) -> PaymentInstruction:
    order = transaction.order
    return PaymentInstruction(transaction.id, order.type, order.amount, order.currency, order.payee, order.instrument)
