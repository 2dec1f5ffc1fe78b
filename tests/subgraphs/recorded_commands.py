"""Records the commands that a store sends to MongoDB, and how the server executes them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from bson.codec_options import DatetimeConversion
from pymongo import AsyncMongoClient
from pymongo.monitoring import CommandListener

from subgraphs.kit import mongo

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    import pytest
    from pymongo.database import Database
    from pymongo.monitoring import CommandFailedEvent, CommandStartedEvent, CommandSucceededEvent

# The members of a command that decide what it does with which documents.
_KEPT: Final = {
    "find": ("find", "filter", "sort", "limit", "projection", "singleBatch"),
    "aggregate": ("aggregate", "pipeline", "cursor"),
    "findAndModify": ("findAndModify", "query", "update", "new", "upsert", "sort"),
    "update": ("update", "updates"),
    "delete": ("delete", "deletes"),
}


class CommandRecorder(CommandListener):
    """Keeps each command that names documents by a filter, as `explain` takes it: with one update or deletion each."""

    def __init__(self) -> None:
        self.commands: list[dict[str, Any]] = []

    def started(self, event: CommandStartedEvent) -> None:
        kept = {name: event.command[name] for name in _KEPT.get(event.command_name, ()) if name in event.command}
        parts = next((name for name in ("updates", "deletes") if name in kept), None)
        if parts is not None:
            self.commands += [{**kept, parts: [part]} for part in kept[parts]]
        elif kept:
            self.commands.append(kept)

    def succeeded(self, event: CommandSucceededEvent) -> None: ...

    def failed(self, event: CommandFailedEvent) -> None: ...


def record_commands(monkeypatch: pytest.MonkeyPatch) -> CommandRecorder:
    """Record the commands of the stores that are opened from now on in this test."""
    recorder = CommandRecorder()
    monkeypatch.setattr(mongo, "AsyncMongoClient", partial(AsyncMongoClient, event_listeners=[recorder]))
    return recorder


def shape_of(command: Mapping[str, Any]) -> str:
    """What is the same in all runs of a query: `accounts find _id, userId by _id`."""
    kind = next(iter(command))
    match kind:
        case "find":
            fields, more = fields_of(command.get("filter", {})), _order(command.get("sort", {}))
        case "findAndModify":
            fields, more = fields_of(command["query"]), _order(command.get("sort", {}))
        case "update":
            fields, more = fields_of(command["updates"][0]["q"]), ""
        case "delete":
            fields, more = fields_of(command["deletes"][0]["q"]), ""
        case _:
            first = command["pipeline"][0]
            fields = fields_of(first["$match"]) if "$match" in first else []
            more = "".join(f" {name}" for stage in command["pipeline"] for name in stage if name != "$match")
    return f"{command[kind]} {kind} {', '.join(fields) or 'everything'}{more}"


def fields_of(conditions: Mapping[str, Any]) -> list[str]:
    """The fields that a filter names, sorted, those in `$and` and `$or` too."""
    found: set[str] = set()
    for name, value in conditions.items():
        if name in {"$and", "$or", "$nor"}:
            found.update(*(fields_of(each) for each in value))
        else:
            found.add(name)
    return sorted(found)


def _order(sort: Mapping[str, Any]) -> str:
    return f" by {', '.join(sort)}" if sort else ""


def explained(database: Database[dict[str, Any]], command: Mapping[str, Any]) -> dict[str, Any]:
    """How the server executes a command; it is not carried out."""
    kind = next(iter(command))
    given = {**command, "cursor": {}} if kind == "aggregate" else dict(command)
    # The bounds of a range of times may be later than what Python can represent.
    options = database.codec_options.with_options(datetime_conversion=DatetimeConversion.DATETIME_AUTO)
    explain = {"explain": given, "verbosity": "executionStats"}
    result: dict[str, Any] = database.command(explain, codec_options=options)
    return result


def found_in(explanation: object, wanted: str) -> Iterator[Any]:
    """Yield the values of the key `wanted` at any depth of an explanation, except in plans not chosen."""
    if isinstance(explanation, Mapping):
        for name, value in explanation.items():
            if name == wanted:
                yield value
            elif name not in {"rejectedPlans", "command"}:
                yield from found_in(value, wanted)
    elif isinstance(explanation, list):
        for each in explanation:
            yield from found_in(each, wanted)


def scans(explanation: object) -> bool:
    """Whether a collection is read as a whole."""
    return "COLLSCAN" in set(found_in(explanation, "stage")) or any(
        int(number) for number in found_in(explanation, "collectionScans")
    )


# Collections with a few documents, which may be read as a whole. Dead letters are events that no consumer could take.
SMALL: Final = frozenset(
    {"store_identity", "store_changes", "known_stores", "outbox_readers", "migrations", "dead_letters"}
)
_EVERYTHING: Final = " -- reads everything: "


class QueryTable:
    """The queries that a store may send to MongoDB, one line each, from a text file.

    A line is what `shape_of` returns. The server must use an index for it, unless the line ends with the reason why it
    reads a collection as a whole.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        lines = path.read_text(encoding="utf-8").splitlines()
        self._reasons = {shape: reason for shape, _, reason in (line.partition(_EVERYTHING) for line in lines)}
        assert lines == sorted(set(lines)), "the lines are sorted"
        # Explaining takes time, and the tests of a worker send the same queries again and again.
        self._explained: set[str] = set()

    def check(self, recorder: CommandRecorder, database: Database[dict[str, Any]]) -> None:
        """Fail if a recorded query is not in the table, or if the server would read a collection as a whole."""
        new = {shape: command for command in recorder.commands if (shape := shape_of(command)) not in self._explained}
        missing = sorted(new.keys() - self._reasons)
        assert not missing, f"{self._path} lacks these lines:\n" + "\n".join(missing)
        for shape, command in new.items():
            whole = scans(explained(database, command)) and shape.partition(" ")[0] not in SMALL
            assert whole <= bool(self._reasons[shape]), f"no index for: {shape}"
            self._explained.add(shape)


def examined(database: Database[dict[str, Any]], commands: Iterable[Mapping[str, Any]]) -> int:
    """How many keys of indexes and documents the server looks at for these commands."""
    return sum(
        int(number)
        for command in commands
        for name in ("totalKeysExamined", "totalDocsExamined")
        for number in found_in(explained(database, command), name)
    )
