"""`router explain-auth`: show what each field of an operation requires, and whether a client meets the requirements."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from router.cli.operation_options import with_operation_options
from router.get_operation import get_operation
from router.policies.authorization.explain_access import explain_access
from router.policies.authorization.requirements import Granted, SchemaRequirements
from router.request.identity import Identity, scopes_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from router.cli.operation_options import SelectedOperation
    from router.policies.authorization.explain_access import FieldAccess

_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("explain-auth")
@with_operation_options
@click.option(
    "--claims",
    "claims_file",
    type=_FILE,
    help="A JSON file with the claims of the client's token. Without it, the client has no credential.",
)
@click.option("--scope-claim", default="scope", show_default=True, help="The claim with the granted scopes.")
@click.option("--policy", "policies", multiple=True, help="A policy that holds for the client; may be repeated.")
@click.option("--format", "output_format", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(
    selected: SelectedOperation,
    *,
    claims_file: Path | None,
    scope_claim: str,
    policies: tuple[str, ...],
    output_format: str,
) -> None:
    """Show what each field of an operation requires of a client, and whether one client may read the field.

    Exit code 0: the client may read every field; 1: the client may not read some fields, or the operation is invalid;
    2: bad usage.
    """
    operation = get_operation(selected.supergraph.api_schema, selected.document, selected.name)
    granted = Granted(_identity(claims_file, scope_claim), frozenset(policies))
    found = list(explain_access(operation, SchemaRequirements(selected.supergraph), granted))
    click.echo(_as_json(found) if output_format == "json" else _as_text(found))
    raise SystemExit(any(access.failed for access in found))


def _identity(file: Path | None, scope_claim: str) -> Identity | None:
    if file is None:
        return None
    try:
        claims: Any = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise click.BadParameter(f"{file} is not a JSON file", param_hint="'--claims'") from None
    if not isinstance(claims, dict):
        raise click.BadParameter(f"{file} is not a JSON object", param_hint="'--claims'")
    return Identity(claims, scopes_of(claims.get(scope_claim)))


def _as_json(found: Sequence[FieldAccess]) -> str:
    rows = [
        {
            "path": list(access.path),
            "field": access.coordinate,
            "allowed": not access.failed,
            "requires": sorted(map(str, access.requires)),
            "failed": sorted(map(str, access.failed)),
        }
        for access in found
    ]
    return json.dumps(rows, indent=2)


def _as_text(found: Sequence[FieldAccess]) -> str:
    widths = [max((len(cell) for cell in column), default=0) for column in zip(*map(_cells, found), strict=False)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(_cells(access), widths, strict=True)).rstrip()
        for access in found
    )


def _cells(access: FieldAccess) -> tuple[str, str, str, str]:
    verdict = "refused" if access.failed else "allowed"
    requires = " and ".join(sorted(map(str, access.requires))) or "every client may read it"
    missing = f"{requires}; missing: {', '.join(sorted(map(str, access.failed)))}" if access.failed else requires
    return ".".join(access.path), access.coordinate, verdict, missing
