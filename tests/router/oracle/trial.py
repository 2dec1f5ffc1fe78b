"""Tests one generated federation with several operations and data sets.

Composition and planning take far longer than execution, so that all operations share the supergraph, and all data sets
share the plans.
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
from tests.router.oracle.choices import ReplayedChoices, SeededChoices, shrink
from tests.router.oracle.comparison import ComposedFederation
from tests.router.oracle.construct_coverage import constructs_in
from tests.router.oracle.data_store import ABSENT
from tests.router.oracle.federation_generator import generate_federation
from tests.router.oracle.monolith import ResponseTooLarge
from tests.router.oracle.operation_generator import generate_operation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from router.plan import QueryPlan
    from tests.router.oracle.choices import Choices
    from tests.router.oracle.data_store import Data
    from tests.router.oracle.federation_generator import GeneratedFederation
    from tests.router.oracle.operation_generator import Operation

OPERATIONS = 5


# Deferred fields are fetched by the key of an object, so that each subgraph must have the object.
_DEFERS = "@defer"


class TrialFailed(Exception):
    """The router's response differs, or the router raised an exception (`__cause__`), on this triple."""

    def __init__(
        self, generated: GeneratedFederation, operation: Operation | None = None, data: Data | None = None
    ) -> None:
        super().__init__("the router failed on a generated federation")
        self.generated = generated
        self.operation = operation
        self.data = data or generated.data

    def __str__(self) -> str:
        subgraphs = "\n".join(f"# {name}\n{sdl}" for name, sdl in self.generated.subgraphs.items())
        query = f"{self.operation.query}\n{self.operation.variables}" if self.operation else ""
        labels = f"\nlabels: {sorted(self.generated.labels)}" if self.generated.labels else ""
        return f"{subgraphs}\n\n{query}{labels}\n{self.data}\n\n{_causes(self.__cause__)}"

    def write(self, folder: Path) -> None:
        """Write a case folder, as `tests.router.oracle.cases` reads it, with the response of the monolith."""
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
        expected = replace(ComposedFederation.of(self.generated), data=self.data).expected(self.operation)
        paths = sorted({json.dumps(error.path) for error in expected.errors or ()})
        errors = {"errors": [json.loads(path) for path in paths]} if paths else {}
        (folder / "response.json").write_bytes(encode({"data": expected.data} | errors))


def _causes(error: BaseException | None) -> str:
    """The exception as text; of a group, all of its exceptions."""
    if isinstance(error, BaseExceptionGroup):
        return "\n".join(map(_causes, error.exceptions))
    return f"{type(error).__name__}: {error}"


@dataclass(slots=True)
class TrialTally:
    """The counts of a run. `constructs` has the number of federations with each construct."""

    federations: int = 0
    triples: int = 0
    constructs: Counter[str] = field(default_factory=Counter)

    def add(self, other: TrialTally) -> None:
        self.federations += other.federations
        self.triples += other.triples
        self.constructs += other.constructs


def run_trial(choices: Choices, tally: TrialTally | None = None) -> None:
    """Generate one federation and test all of its triples.

    Raises:
        TrialFailed: for the first triple on which router and monolith differ.
    """
    generated = generate_federation(choices)
    tally = tally or TrialTally()
    tally.federations += 1
    try:
        federation = ComposedFederation.of(generated)
    except Exception as error:
        raise TrialFailed(generated) from error
    operations = [one for _ in range(OPERATIONS) if (one := generate_operation(choices, federation.merged)) is not None]
    tally.constructs.update(constructs_in(generated, operations))
    for operation in operations:
        tally.triples += _check_operation(federation, generated, operation)


def _check_operation(federation: ComposedFederation, generated: GeneratedFederation, operation: Operation) -> int:
    """Test the operation on each data set; return the number of data sets with responses of a bearable size."""
    data, tried = generated.data, 0
    try:
        plans = list(plans_of(federation, operation))
        for generated_data in generated.datasets:
            data = _with_all_objects(generated_data) if _DEFERS in operation.query else generated_data
            with suppress(ResponseTooLarge):
                for planned in plans:
                    asyncio.run(replace(federation, data=data).check(operation, planned))
                tried += 1
    except Exception as error:
        raise TrialFailed(generated, operation, data) from error
    return tried


def _with_all_objects(data: Data) -> Data:
    """The data, with each object in all of its subgraphs."""
    return {name: {key: value for key, value in fields.items() if key != ABSENT} for name, fields in data.items()}


def plans_of(federation: ComposedFederation, operation: Operation, *, defer: bool = True) -> Iterator[QueryPlan]:
    """The plan with batched fetches, and, if it has any, the plan without them."""
    batched = plan(federation.supergraph, operation.query, options=PlanOptions(federation.labels, defer=defer))
    yield batched
    if any(isinstance(request, BatchFetch) for request in batched.requests()):
        options = PlanOptions(federation.labels, batch_entity_fetches=False, defer=defer)
        yield plan(federation.supergraph, operation.query, options=options)


def failure_of(choices: Choices, tally: TrialTally | None = None) -> TrialFailed | None:
    """The failure of one trial, if any."""
    try:
        run_trial(choices, tally)
    except TrialFailed as failure:
        return failure
    return None


def failure_of_seed(seed: int, tally: TrialTally | None = None, *, attempts: int = 2000) -> TrialFailed | None:
    """The failure of a seed, if any, shrunk in so many attempts."""
    choices = SeededChoices(seed)
    failure = failure_of(choices, tally)
    if failure is None or not attempts:
        return failure
    kind = _failure_kind(failure)

    def fails(sequence: Sequence[int]) -> bool:
        again = failure_of(ReplayedChoices(sequence))
        return again is not None and _failure_kind(again) == kind

    return failure_of(ReplayedChoices(shrink(choices.record, fails, attempts=attempts)))


def _failure_kind(failure: TrialFailed) -> tuple[type[BaseException | None], str]:
    """The exception's class and the start of its message: shrinking keeps both, and so most likely the cause."""
    cause = failure.__cause__
    while isinstance(cause, BaseExceptionGroup):
        cause = cause.exceptions[0]
    return type(cause), str(cause).split("\n", 1)[0][:12]
