"""`router usage`: report which operations clients send, and which parts of the schema no client uses."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from router.cli.file_io import READABLE_FILE
from router.printable_text import printable
from router.usage.open_store import POSTGRES_SCHEMES, open_store
from router.usage.parse_window_and_share import window_of
from router.usage.usage_queries import read_coordinates, read_operations, read_totals
from servicekit.errors import StartupError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from graphql import GraphQLSchema

    from router.usage.schema_coverage import ElementUsage
    from router.usage.usage_data import Counts, OperationUsage, UsageWindow
    from router.usage.usage_store import UsageStore

T = TypeVar("T")
F = TypeVar("F", bound="Callable[..., object]")

_MAX_OPERATIONS: Final = 10_000_000
_MAX_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Chosen:
    """The options that all reports have."""

    store: str
    window: UsageWindow
    as_json: bool


def _window(_: click.Context, __: click.Parameter, value: str) -> str:
    try:
        window_of(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    return value


_STORE: Final = click.option(
    "--store",
    required=True,
    envvar="ROUTER_USAGE_STORE",
    help="The store: the path of an SQLite file, or the URL of a PostgreSQL database. [env: ROUTER_USAGE_STORE]",
)


def _chosen(command: F) -> F:
    """Add the options that all reports have."""
    for option in reversed(
        (
            _STORE,
            click.option(
                "--since", default="30d", show_default=True, callback=_window, help="The length of the window: 6h, 30d."
            ),
            click.option("--exclude-client", "excluded", multiple=True, help="A client that does not count."),
            click.option("--json", "as_json", is_flag=True, help="Print JSON."),
        )
    ):
        command = option(command)
    return command


@click.group("usage")
def command() -> None:
    """Report which operations clients send, and what they use of the schema.

    The router records usage if `usage.enabled` is true in router.yaml.
    """


@command.command("report")
@_chosen
def report(**given: Any) -> None:
    """Print totals, clients, and the operations with the most requests."""
    chosen = _options(given)
    totals, operations = _in_store(
        chosen.store,
        lambda store: _both(read_totals(store, chosen.window), read_operations(store, chosen.window, _MAX_SHOWN)),
    )
    if chosen.as_json:
        _print_json(
            {
                "operations": totals.operations,
                **_counts(totals.counts),
                "clients": [
                    {"name": client.name, "version": client.version, **_counts(counts)}
                    for client, counts in totals.clients
                ],
                "top": [_operation(each) for each in operations],
            }
        )
        return
    click.echo(f"{_plural(totals.operations, 'operation')}, {_line(totals.counts)}")
    click.echo("\nclients:" if totals.clients else "\nno requests in this window")
    for client, counts in totals.clients[:_MAX_SHOWN]:
        click.echo(f"  {printable(str(client))}: {_line(counts)}")
    if operations:
        click.echo("\noperations with the most requests:")
    for each in operations:
        click.echo(f"  {_title(each)}: {_line(each.counts)}")


@command.command("operations")
@_chosen
@click.option("--coordinate", "coordinates", multiple=True, help="Only operations that use this element: Query.book.")
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, help="At most this many.")
@click.option("--documents", is_flag=True, help="Print the documents too.")
def operations(coordinates: tuple[str, ...], limit: int, *, documents: bool, **given: Any) -> None:
    """List operations with their clients, those with the most requests first."""
    chosen = _options(given)
    found = _in_store(chosen.store, lambda store: read_operations(store, chosen.window, limit, coordinates or None))
    if chosen.as_json:
        _print_json([_operation(each) for each in found])
        return
    for each in found:
        click.echo(f"{_title(each)}: {_line(each.counts)}")
        for usage in each.clients[:_MAX_SHOWN]:
            click.echo(f"  {printable(str(usage.client))}: {usage.requests:,}")
        if documents:
            click.echo("\n".join(f"    {printable(line)}" for line in each.operation.text.splitlines()))
    if not found:
        click.echo("no operation in this window")


@command.command("unused")
@_chosen
@click.option("--schema", type=READABLE_FILE, required=True, help="A supergraph.yaml, a supergraph or a plain schema.")
@click.option("--deprecated", is_flag=True, help="Only deprecated elements.")
def unused(schema: Path, *, deprecated: bool, **given: Any) -> None:
    """List the elements of a schema that no request used."""
    chosen = _options(given)
    elements = [
        each for each in _elements(chosen, schema) if not each.requests and (each.is_deprecated or not deprecated)
    ]
    if chosen.as_json:
        _print_json([each.coordinate for each in elements])
        return
    for each in elements:
        click.echo(each.coordinate + (" (deprecated)" if each.is_deprecated else ""))
    click.echo(f"{_plural(len(elements), 'element')} not used.", err=True)


@command.command("coverage")
@_chosen
@click.option("--schema", type=READABLE_FILE, required=True, help="A supergraph.yaml, a supergraph or a plain schema.")
def coverage(schema: Path, **given: Any) -> None:
    """Print how much of each type was used by requests."""
    chosen = _options(given)
    types: dict[str, list[ElementUsage]] = {}
    for each in _elements(chosen, schema):
        members = types.setdefault(each.coordinate.partition(".")[0], [])
        if "." in each.coordinate:
            members.append(each)
    rows = [(name, sum(each.requests > 0 for each in members), len(members)) for name, members in types.items()]
    rows = [row for row in rows if row[2]]
    used, total = sum(row[1] for row in rows), sum(row[2] for row in rows)
    if chosen.as_json:
        by_type = [{"type": name, "used": some, "elements": every} for name, some, every in rows]
        _print_json({"used": used, "elements": total, "types": by_type})
        return
    for name, some, every in rows:
        click.echo(f"{some / every:6.1%}  {name} ({some} of {every})")
    click.echo(f"{used / total if total else 0.0:6.1%}  all ({used:,} of {total:,} fields, arguments and values)")


@command.command("prune")
@_STORE
@click.option("--keep-days", type=click.IntRange(min=1), required=True, help="Delete counts that are older.")
@click.option(
    "--keep-minutes-days", type=click.IntRange(min=1), default=3, show_default=True, help="The same for minutes."
)
def prune(store: str, keep_days: int, keep_minutes_days: int) -> None:
    """Delete old counts, and operations without any counts."""
    pruned = _in_store(store, lambda opened: opened.prune(time.time(), keep_days, keep_minutes_days), writes=True)
    click.echo(
        f"deleted {pruned.minutes:,} counts of minutes, {pruned.days:,} of days and {pruned.operations:,} operations"
    )


@command.command("import")
@_STORE
@click.option("--schema", type=READABLE_FILE, required=True, help="The schema for which the operations were sent.")
@click.argument("files", type=READABLE_FILE, nargs=-1, required=True)
def import_(store: str, schema: Path, files: tuple[Path, ...]) -> None:
    """Add the usage reports in FILES: of clients of GraphQL Hive (JSON), or of Apollo (protobuf, or its JSON form).

    FILES can be compressed with gzip.
    """
    # `router usage report` needs none of the modules that read schemas, and they take long to import.
    from router.usage.import_reports import InvalidReport, read_report  # noqa: PLC0415

    known = _schema(schema)

    async def run(opened: UsageStore) -> None:
        for file in files:
            try:
                imported = read_report(file.read_bytes(), known)
            except (OSError, InvalidReport) as error:
                raise StartupError(f"{file}: {error}") from error
            await opened.write(imported.batch, _MAX_OPERATIONS)
            skipped = f"; skipped, not valid for the schema: {imported.skipped}" if imported.skipped else ""
            click.echo(
                f"{file}: {_plural(imported.requests, 'request')} of "
                f"{_plural(len(imported.batch.operations), 'operation')}{skipped}"
            )

    _in_store(store, run, writes=True, create=True)


def _options(given: dict[str, Any]) -> Chosen:
    return Chosen(given["store"], window_of(given["since"], given["excluded"]), given["as_json"])


def _in_store(
    location: str, use: Callable[[UsageStore], Awaitable[T]], *, writes: bool = False, create: bool = False
) -> T:
    if not create and not location.startswith(POSTGRES_SCHEMES) and not Path(location).exists():
        raise StartupError(
            f"{location}: no such file; name the store that the router writes (usage.file in router.yaml)"
        )

    async def run() -> T:
        store = await open_store(location, for_reading=not writes)
        try:
            return await use(store)
        finally:
            await store.close()

    return asyncio.run(run())


async def _both(first: Awaitable[T], second: Awaitable[Any]) -> tuple[T, Any]:
    return await first, await second


def _elements(chosen: Chosen, path: Path) -> list[ElementUsage]:
    # Like the modules that `_schema` imports, this one takes long to import, and not every report needs it.
    from router.usage.schema_coverage import add_unknown_variables, usage_of_schema  # noqa: PLC0415

    schema = _schema(path)

    async def read(store: UsageStore) -> list[ElementUsage]:
        requests = await read_coordinates(store, chosen.window)
        unknown = await read_operations(store, chosen.window, None, ())
        return usage_of_schema(schema, add_unknown_variables(schema, requests, unknown))

    return _in_store(chosen.store, read)


def _schema(path: Path) -> GraphQLSchema:
    # Most of the time of `router usage report` would be the import of these modules.
    from router.schema_check.schema_sources import UnreadableSchema  # noqa: PLC0415
    from router.schema_check.schema_versions import NotComposable, read_version  # noqa: PLC0415

    try:
        return read_version(path, 30.0).schema
    except (UnreadableSchema, NotComposable) as error:
        raise StartupError(f"{path}: {error}" if isinstance(error, NotComposable) else str(error)) from error


def _title(usage: OperationUsage) -> str:
    operation = usage.operation
    return f"{printable(operation.name) or '(anonymous)'} ({operation.kind}, {usage.hash})"


def _line(counts: Counts) -> str:
    if not counts.requests:
        return "0 requests"
    quantiles = ", ".join(
        f"p{round(share * 100)} {_milliseconds(counts.quantile(share))}" for share in (0.5, 0.95, 0.99)
    )
    return f"{_plural(counts.requests, 'request')}, {counts.errors / counts.requests:.2%} with errors, {quantiles}"


def _plural(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _milliseconds(seconds: float) -> str:
    return "> 5000 ms" if seconds == float("inf") else f"≤ {seconds * 1000:g} ms"


def _operation(usage: OperationUsage) -> dict[str, object]:
    return {
        "hash": usage.hash,
        "name": usage.operation.name,
        "kind": usage.operation.kind,
        **_counts(usage.counts),
        "lastSeen": usage.last_seen,
        "clients": [
            {"name": each.client.name, "version": each.client.version, "requests": each.requests}
            for each in usage.clients
        ],
        "document": usage.operation.text,
    }


def _counts(counts: Counts) -> dict[str, object]:
    return asdict(counts)


def _print_json(value: object) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))
