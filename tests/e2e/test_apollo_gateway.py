"""`@apollo/gateway` serves the supergraph that we compose, over the three services of the bank."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.e2e.platform import ROOT
from tests.peers.peers import Peers, start_peers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.platform import Platform

pytestmark = pytest.mark.xdist_group("bank")

# `@apollo/gateway` refuses supergraphs with directives of authorization. The services check the staff's fields anyway.
SUPERGRAPH = re.sub(
    r"""  @link\(url: "[^"]+/requiresScopes/[^"]+", for: SECURITY\)\n|directive @requiresScopes.*\n"""
    r"""|scalar requiresScopes__Scope\n| @requiresScopes\(scopes: \[\[.*?\]\]\)""",
    "",
    (ROOT / "supergraph.graphql").read_text(encoding="utf-8"),
)
QUERY = """
{
  me {
    name
    accounts { nodes { balance currency transactions(first: 5) { nodes {
      amount type counterparty { accountNumber owner { name } }
    } } } }
  }
}
"""


@pytest.fixture(scope="module")
def peers() -> Iterator[Peers]:
    yield from start_peers()


def test_apollo_gateway_gives_the_same_responses(bank: Platform, peers: Peers) -> None:
    ada, bob = bank.register("Ada"), bank.register("Bob")
    account = bank.open_account(ada, deposit="120.00")
    target = bank.open_account(bob)
    order = {
        "sourceAccountId": account["id"],
        "destinationAccountNumber": target["accountNumber"],
        "amount": "20.00",
        "currency": "EUR",
    }
    bank.call("POST", "/api/transactions/transfer", ada, json=order)
    urls = {name: bank.subgraph_url(name) for name in ("auth", "account", "transaction")}

    theirs = peers.serve(SUPERGRAPH, QUERY, urls, ada.headers)

    assert theirs == bank.graphql(QUERY, ada)
    assert theirs["data"]["me"]["accounts"]["nodes"][0]["balance"] == "100.00"
