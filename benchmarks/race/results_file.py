"""The raw data of a race, as it is kept in `results/`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

FOLDER: Final = Path(__file__).parent / "results"


class Round(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One measurement of one router. Times in microseconds, memory in bytes.

    Attributes:
        processor: Processor time of all processes of the router, for one response.
        kernel_share: The share of the kernel in the processor time since the start of the router.
        requests: Requests to subgraphs, for one response.
        load: Processor time of the load generator, for one response.
    """

    processor: float
    per_second: float
    p50: float
    p99: float
    requests: float
    responses: int
    memory: int
    kernel_share: float = 0.0
    load: float = 0.0


class Sample(msgspec.Struct, frozen=True):
    """The memory after some seconds and responses."""

    seconds: float
    responses: int
    memory: int


class Entry(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A router in a scenario. `left_out` says why there are no rounds."""

    router: str
    left_out: str = ""
    rounds: list[Round] = []
    samples: list[Sample] = []


class ScenarioResult(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What was measured in one scenario."""

    name: str
    title: str
    kind: str
    sharing: str
    connections: int
    answer_bytes: int
    entries: list[Entry]
    size: int = 0
    delay_ms: int = 0
    hops: int = 0
    workers: int = 1

    def of(self, router: str) -> Entry | None:
        return next((each for each in self.entries if each.router == router), None)


class RouterInfo(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A router. `absent` says why it is not in the race."""

    name: str
    title: str
    language: str
    version: str = ""
    absent: str = ""


class Machine(msgspec.Struct, kw_only=True):
    """Where the race ran."""

    processor: str
    cores: int
    memory_gb: int
    kernel: str
    python: str
    is_pinned: bool


class Results(msgspec.Struct, kw_only=True):
    """A whole race. `replay` is the processor time of a request to the replaying server, in microseconds."""

    date: str
    commit: str
    variant: str
    machine: Machine
    replay: float
    minutes: float
    routers: list[RouterInfo]
    scenarios: list[ScenarioResult]

    def of(self, scenario: str) -> ScenarioResult | None:
        return next((each for each in self.scenarios if each.name == scenario), None)


def read(file: Path) -> Results:
    return msgspec.json.decode(file.read_bytes(), type=Results)


def write(results: Results, file: Path) -> None:
    """Write the results, replacing the file as a whole; numbers have six digits, because noise has more."""
    short = msgspec.to_builtins(results)
    new = file.with_suffix(".new")
    new.write_bytes(msgspec.json.format(msgspec.json.encode(_rounded(short)), indent=1) + b"\n")
    new.replace(file)


def _rounded(value: object) -> object:
    match value:
        case float():
            return float(f"{value:.5g}")
        case list():
            return [_rounded(each) for each in value]
        case dict():
            return {key: _rounded(each) for key, each in value.items()}
        case _:
            return value
