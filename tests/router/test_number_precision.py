"""Numbers beyond floats and 64-bit integers pass unchanged between client, router and subgraphs, over real sockets.

They are variables, fields of input objects, literals, results, keys and required values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from router.composition import Subgraph, compose
from router.gateway import Gateway
from router.json_codec import decode
from router.settings import read
from tests.router.server.live import serving as live
from tests.router.transport.scripted_server import response, serving

if TYPE_CHECKING:
    from tests.router.transport.scripted_server import Peer, Script

HUGE = "123456789012345678901234567890"
BELOW = "-9223372036854775809"
FINE = "0.1000000000000000055511151231257827"
VAST = "1E+400"
MONEY = "1.10"

LINK = """
extend schema @link(
  url: "https://specs.apollo.dev/federation/v2.11", import: ["@key", "@external", "@requires"]
)
scalar Exact
"""
STORE = f"""{LINK}
input Wish {{ value: Exact limits: [Exact] }}
type Query {{ item(at: Exact, by: Wish): Item }}
type Item @key(fields: "serial amount") {{ serial: Exact! amount: Exact! details: Exact }}
"""
AUDIT = f"""{LINK}
type Item @key(fields: "serial amount") {{
  serial: Exact!
  amount: Exact!
  details: Exact @external
  checked(of: Exact): Exact @requires(fields: "details")
}}
"""
QUERY = f"""
query ($at: Exact, $wish: Wish) {{
  item(at: $at, by: $wish) {{ serial amount details checked(of: $at) literal: checked(of: {FINE}) }}
}}
"""
VARIABLES = f'{{"at":{HUGE},"wish":{{"value":{MONEY},"limits":[{BELOW},{VAST}]}}}}'

DETAILS = f'{{"n":[{MONEY},{BELOW},{VAST}],"s":"{FINE}"}}'
ITEM = f'"serial":{HUGE},"amount":{FINE},"details":{DETAILS}'
CHECKED = f'"checked":[{VAST},{HUGE}],"literal":{FINE}'


def respond_with(body: str, received: list[bytes]) -> Script:
    async def script(peer: Peer) -> None:
        while True:
            received.append((await peer.request()).body)
            await peer.reply(response(body.encode(), headers=("content-type: application/json",)))

    return script


async def test_numbers_pass_unchanged_through_router_and_subgraphs() -> None:
    composition = compose([Subgraph("store", "http://store", STORE), Subgraph("audit", "http://audit", AUDIT)])
    assert composition.supergraph_sdl is not None, composition.errors
    stored: list[bytes] = []
    audited: list[bytes] = []
    store = respond_with(f'{{"data":{{"item":{{"__typename":"Item",{ITEM}}}}}}}', stored)
    audit = respond_with(f'{{"data":{{"_entities":[{{"__typename":"Item",{CHECKED}}}]}}}}', audited)
    async with serving(store) as first, serving(audit) as second:
        settings = read(f"override_subgraph_url: {{store: '{first.url}', audit: '{second.url}'}}", {})
        with live(Gateway.from_supergraph(composition.supergraph_sdl, settings).asgi) as url:
            payload = f'{{"query":{_json(QUERY)},"variables":{VARIABLES}}}'
            async with httpx.AsyncClient(timeout=30) as client:
                response = await client.post(
                    f"{url}/graphql", content=payload, headers={"content-type": "application/json"}
                )
    assert response.content.decode() == f'{{"data":{{"item":{{{ITEM},{CHECKED}}}}}}}'
    (store_request,), (audit_request,) = stored, audited
    assert f'"variables":{VARIABLES}'.encode() in store_request
    sent = decode(audit_request)
    assert isinstance(sent, dict)
    assert f"checked(of:{FINE})" in sent["query"]
    assert sent["variables"] == decode(f'{{"at":{HUGE},"representations":[{{"__typename":"Item",{ITEM}}}]}}'.encode())
    assert all(text.encode() in audit_request for text in (HUGE, FINE, BELOW, VAST, MONEY))


def _json(text: str) -> str:
    return '"' + text.replace("\n", " ") + '"'
