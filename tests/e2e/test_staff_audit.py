"""Operations of staff in the account service are in the audit log of the auth service, through REST and the router."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.platform import Platform

pytestmark = pytest.mark.xdist_group("bank")


def test_an_administrator_reads_who_froze_an_account(bank: Platform) -> None:
    staff, admin = bank.register_staff("SUPPORT"), bank.register_staff("ADMIN")
    account = bank.open_account(bank.register())["id"]
    assert bank.call("PUT", f"/api/accounts/{account}", staff, json={"status": "FROZEN"})["status"] == "FROZEN"

    fields = "action outcome actorId details { value }"
    query = f'{{ auditLog(filter: {{subjectId: "{account}"}}) {{ nodes {{ {fields} }} }} }}'
    nodes = bank.graphql(query, admin)["data"]["auditLog"]["nodes"]
    assert [(node["action"], node["outcome"], node["actorId"]) for node in nodes] == [
        ("ACCOUNT_FROZEN", "DONE", staff.id),
        ("ACCOUNT_FROZEN", "REQUESTED", staff.id),
    ]
    assert nodes[0]["details"] == nodes[1]["details"]
