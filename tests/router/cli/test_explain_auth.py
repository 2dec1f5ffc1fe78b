"""`router explain-auth` says for each field who may read it, and what is missing.

Covers `router/policies/authorization/explain_access.py`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from router.cli import command
from tests.router.policies.authorization.clinic import SDL, Clinic, places

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

QUERY = """
query { me { ...A doctor { phone } } search { __typename ... on Note { text } } diagnosis }
fragment A on Patient { name mail: email record { text } }
"""


def explained(folder: Path, *options: str, query: str = QUERY, claims: object = None) -> Result:
    (folder / "supergraph.graphql").write_text(SDL)
    (folder / "query.graphql").write_text(query)
    files = ["--supergraph", f"{folder}/supergraph.graphql", "--operation", f"{folder}/query.graphql"]
    if claims is not None:
        (folder / "claims.json").write_text(claims if isinstance(claims, str) else json.dumps(claims))
        files += ["--claims", f"{folder}/claims.json"]
    return CliRunner().invoke(command, ["explain-auth", *files, *options])


def test_each_field_has_its_requirements_and_a_verdict(tmp_path: Path) -> None:
    result = explained(tmp_path, claims={"scope": "admin"})
    assert result.exit_code == 1
    rows = {line.split()[0]: " ".join(line.split()[1:]) for line in result.output.splitlines()}
    assert rows == {
        "me": "Query.me allowed every client may read it",
        "me.name": "Patient.name allowed every client may read it",
        "me.mail": "Patient.email allowed @authenticated",
        "me.record": "Patient.record allowed @requiresScopes(admin or read:records and staff)",
        "me.record.text": "Record.text allowed @requiresScopes(admin or read:records and staff)",
        "me.doctor": "Patient.doctor allowed every client may read it",
        "me.doctor.phone": "Doctor.phone refused @policy(on_duty); missing: @policy(on_duty)",
        "search": "Query.search allowed every client may read it",
        "search.text": "Note.text allowed @authenticated",
        "diagnosis": "Query.diagnosis refused @policy(chief and on_duty or treating); "
        "missing: @policy(chief and on_duty or treating)",
    }


def test_policies_and_the_claim_of_the_scopes_are_options(tmp_path: Path) -> None:
    options = ("--policy", "on_duty", "--policy", "chief", "--scope-claim", "roles", "--format", "json")
    result = explained(tmp_path, *options, claims={"roles": ["admin"]})
    assert result.exit_code == 0
    assert all(row["allowed"] for row in json.loads(result.output))


@pytest.mark.parametrize("scopes", [None, "", "staff", "staff read:records", "admin"])
async def test_the_verdicts_are_those_of_the_router(tmp_path: Path, scopes: str | None) -> None:
    query = "{ me { name mail: email notes { text } doctor { phone } record { text } } public diagnosis }"
    claims = None if scopes is None else {"scope": scopes}
    rows = json.loads(explained(tmp_path, "--format", "json", query=query, claims=claims).output)
    refused = [tuple(row["path"]) for row in rows if not row["allowed"]]
    outermost = {path for path in refused if path[:-1] not in refused}
    # The doctor has nothing but a phone, so the error of the emptied doctor goes on to the phone.
    assert set(places(await Clinic().run(query, scopes))) == outermost


@pytest.mark.parametrize("claims", ["no JSON", "[]"])
def test_claims_that_cannot_be_read_are_bad_usage(tmp_path: Path, claims: str) -> None:
    result = explained(tmp_path, claims=claims)
    assert (result.exit_code, "--claims" in result.output) == (2, True)
