"""One generated federation on trial: its operations and data sets, each triple on both sides of the oracle.

Composing a federation and planning an operation cost far more than one more data set, so both are shared.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from router.json_codec import encode
from router.plan import BatchFetch
from router.planner import PlanOptions, plan
from tests.router.oracle.choices import Replayed, Seeded, shrink
from tests.router.oracle.comparison import Subject
from tests.router.oracle.federations import federation
from tests.router.oracle.operations import operation
from tests.router.oracle.services import TooLarge
from tests.router.oracle.store import ABSENT
from tests.router.oracle.vocabulary import items_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from router.plan import QueryPlan
    from tests.router.oracle.choices import Choices
    from tests.router.oracle.federations import Generated
    from tests.router.oracle.operations import Operation
    from tests.router.oracle.store import Data

OPERATIONS = 5


# What is deferred is fetched by key from where one stands, so what one stands on must be known there.
_DEFERS = "@defer"


class Failed(Exception):
    """A difference, or an exception of the router's, and the triple it happened on; the cause is the exception."""

    def __init__(self, generated: Generated, drawn: Operation | None = None, data: Data | None = None) -> None:
        super().__init__("the router failed on a generated federation")
        self.generated = generated
        self.operation = drawn
        self.data = data or generated.data

    def __str__(self) -> str:
        subgraphs = "\n".join(f"# {name}\n{sdl}" for name, sdl in self.generated.subgraphs.items())
        query = f"{self.operation.query}\n{self.operation.variables}" if self.operation else ""
        labels = f"\nlabels: {sorted(self.generated.labels)}" if self.generated.labels else ""
        return f"{subgraphs}\n\n{query}{labels}\n{self.data}\n\n{_causes(self.__cause__)}"

    def write(self, folder: Path) -> None:
        """A case folder, as `tests.router.oracle.cases` reads them; the response is the monolith's."""
        (folder / "subgraphs").mkdir(parents=True)
        for name, sdl in self.generated.subgraphs.items():
            (folder / "subgraphs" / f"{name}.graphql").write_text(sdl + "\n")
        (folder / "data.json").write_bytes(encode(self.data))
        if self.generated.labels:
            (folder / "labels.json").write_text(json.dumps(sorted(self.generated.labels)) + "\n")
        if self.operation is None:
            return
        (folder / "query.graphql").write_text(self.operation.query + "\n")
        if self.operation.variables:
            (folder / "variables.json").write_bytes(encode(self.operation.variables))
        expected = replace(Subject.of(self.generated), data=self.data).expected(self.operation)
        paths = sorted({json.dumps(error.path) for error in expected.errors or ()})
        errors = {"errors": [json.loads(path) for path in paths]} if paths else {}
        (folder / "response.json").write_bytes(encode({"data": expected.data} | errors))


def _causes(error: BaseException | None) -> str:
    """What went wrong, task groups opened."""
    if isinstance(error, BaseExceptionGroup):
        return "\n".join(map(_causes, error.exceptions))
    return f"{type(error).__name__}: {error}"


@dataclass(slots=True)
class Tally:
    """What a run saw. `vocabulary` counts the federations in which each item occurs."""

    federations: int = 0
    triples: int = 0
    vocabulary: Counter[str] = field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        self.federations += other.federations
        self.triples += other.triples
        self.vocabulary += other.vocabulary


def run_trial(choices: Choices, tally: Tally | None = None) -> None:
    """One federation with its operations and data.

    Raises:
        Failed: on the first triple on which router and monolith differ.
    """
    generated = federation(choices)
    tally = tally or Tally()
    tally.federations += 1
    try:
        subject = Subject.of(generated)
    except Exception as error:
        raise Failed(generated) from error
    operations = [one for _ in range(OPERATIONS) if (one := operation(choices, subject.merged)) is not None]
    tally.vocabulary.update(items_of(generated, operations))
    for drawn in operations:
        tally.triples += _tried(subject, generated, drawn)


def _tried(subject: Subject, generated: Generated, drawn: Operation) -> int:
    """Try the operation on each data set; the answer is on how many of them it could be tried."""
    data, tried = generated.data, 0
    try:
        plans = list(_plans(subject, drawn))
        for drawn_data in generated.datasets:
            data = _without_absences(drawn_data) if _DEFERS in drawn.query else drawn_data
            with suppress(TooLarge):
                for planned in plans:
                    asyncio.run(replace(subject, data=data).check(drawn, planned))
                tried += 1
    except Exception as error:
        raise Failed(generated, drawn, data) from error
    return tried


def _without_absences(data: Data) -> Data:
    """The data with every subgraph knowing its objects."""
    return {name: {key: value for key, value in fields.items() if key != ABSENT} for name, fields in data.items()}


def _plans(subject: Subject, drawn: Operation) -> Iterator[QueryPlan]:
    """The plan with fetches in batches, and where there are any the one without."""
    batched = plan(subject.supergraph, drawn.query, options=PlanOptions(subject.labels))
    yield batched
    if any(isinstance(request, BatchFetch) for request in batched.requests()):
        yield plan(subject.supergraph, drawn.query, options=PlanOptions(subject.labels, batch_entity_fetches=False))


def failure_of(choices: Choices, tally: Tally | None = None) -> Failed | None:
    """What the trial fails by."""
    try:
        run_trial(choices, tally)
    except Failed as failure:
        return failure
    return None


def failure_of_seed(seed: int, tally: Tally | None = None, *, attempts: int = 2000) -> Failed | None:
    """The failure of a seed, as small as so many attempts make it."""
    choices = Seeded(seed)
    failure = failure_of(choices, tally)
    if failure is None or not attempts:
        return failure
    kind = _kind(failure)

    def fails(sequence: Sequence[int]) -> bool:
        again = failure_of(Replayed(sequence))
        return again is not None and _kind(again) == kind

    return failure_of(Replayed(shrink(choices.record, fails, attempts=attempts)))


def _kind(failure: Failed) -> tuple[type[BaseException | None], str]:
    """Failures of one kind have one cause, or so a shrinking failure hopes: the exception, and what it is about."""
    cause = failure.__cause__
    while isinstance(cause, BaseExceptionGroup):
        cause = cause.exceptions[0]
    return type(cause), str(cause).split("\n", 1)[0][:12]
