"""`mosafe up` as it is: the services answer the router, and nobody else."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING

import pytest

from tests.e2e.platform import Platform, start_platform

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVICES = ("auth", "account", "transaction")
REQUEST_ID = re.compile(r'"request_id": ?"([^"]+)"')

pytestmark = pytest.mark.xdist_group("signatures")


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    platform = start_platform(tmp_path_factory.mktemp("signed"))
    yield platform
    assert platform.stop() == 0, "\n".join(platform.lines[-20:])


def test_the_router_and_rest_work(closed: Platform) -> None:
    person = closed.register()
    account = closed.open_account(person, deposit="10.00")
    assert closed.call("GET", f"/api/accounts/{account['id']}/balance", person)["balance"] == "10.00"
    last = f"req_{uuid.uuid4().hex}"
    query = "{ me { id accounts { nodes { balance } } } transactions { totalCount } }"
    body = closed.graphql(query, person, request_id=last)
    assert body["data"]["me"] == {"id": person.id, "accounts": {"nodes": [{"balance": "10.00"}]}}
    assert body["data"]["transactions"]["totalCount"] == 1
    # A process writes its lines in their order, so those of the earlier requests are there when these are.
    closed.wait_for_access_lines(last, at_least=4, of={"router", *SERVICES})
    # Another process of this machine may still call a port that once was its own, so only our requests count.
    own = {id_ for line in closed.lines if line.startswith(("rest ", "router ")) for id_ in REQUEST_ID.findall(line)}
    refused = [line for line in closed.lines if "signature refused" in line]
    assert len(own) >= 5
    assert [line for line in refused if own.intersection(REQUEST_ID.findall(line))] == []


@pytest.mark.parametrize("name", SERVICES)
def test_the_port_of_a_service_refuses_a_person_with_a_valid_token(closed: Platform, name: str) -> None:
    person = closed.register()
    for query in ("{ __typename }", "{ _service { sdl } }", "{ __schema { queryType { name } } }"):
        body = closed.graphql(query, person, url=closed.subgraph_url(name))
        assert [error["extensions"]["code"] for error in body["errors"]] == ["SIGNATURE_REFUSED"]
        assert "data" not in body
    closed.wait_for_line("signature refused")


@pytest.mark.parametrize("name", SERVICES)
def test_what_needs_no_router_needs_no_signature(closed: Platform, name: str) -> None:
    base = closed.subgraph_url(name).removesuffix("/graphql")
    paths = ["/health/live", "/health/ready"] + (["/.well-known/jwks.json"] if name == "auth" else [])
    assert [closed.client.get(base + path).status_code for path in paths] == [200] * len(paths)
