"""A caching proxy in front of the platform sends what it may keep, and asks the origin for the rest: counted requests.

Runs `deploy/cdn/nginx.conf` in nginx, in front of the REST layer and a router.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
import time
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

import brotli  # type: ignore[import-untyped]  # publishes no types
import httpx
import pytest

from rest_compat.app import create_app
from rest_compat.settings import RestSettings
from router.gateway import Gateway
from router.settings import read
from servicekit.static_files import IMMUTABLE
from tests.rest_compat.fake_bank import SUPERGRAPH, FakeBank
from tests.router.policies.test_shared_cache_control import GREET, PRIVATE, with_hints
from tests.router.server.live import serving
from tests.router.shop import Shop
from tests.tools.nginx_server import Nginx, program

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from servicekit.asgi import Receive, Scope, Send

BROWSERS = {
    "br": ("gzip, deflate, br, zstd", "br", "br;q=1.0, gzip;q=0.8, *;q=0.1", "gzip,deflate,br"),
    "gzip": ("gzip", "gzip, deflate", "br;q=0, gzip", "gzip;q=0.5, br; q=0.0"),
    "zstd": ("zstd", "zstd;q=1"),
    "": ("identity", "", "br;q=0", "deflate"),
}
DECODERS = {"br": brotli.decompress, "gzip": gzip.decompress, "zstd": zstd.decompress}
WAIT_SECONDS = 30.0


class Origin:
    """The REST layer and a router in one process. `requests` counts paths with their query; `statuses`, too."""

    def __init__(self, folder: Path) -> None:
        manifest = folder / "manifest.json"
        manifest.write_text(json.dumps({"greet": GREET, "me": "{ me { name } }"}))
        persisted = (
            f"persisted_documents: {{mode: require_id, manifests: [{manifest}], shared_cache: {{enabled: true}}}}"
        )
        self._router = Gateway.from_supergraph(with_hints(greet="maxAge: 600"), read(persisted, {}), send=Shop()).asgi
        settings = {"REST_SUPERGRAPH": SUPERGRAPH, "MOSAFE_ENV": "development"}
        self._rest = create_app(RestSettings.model_validate(settings), FakeBank().send)
        self.requests: Counter[str] = Counter()
        self.statuses: Counter[tuple[str, int]] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._rest(scope, receive, send)
            return
        path: str = scope["path"]
        query = scope["query_string"].decode()
        url = f"{path}?{query}" if query else path
        self.requests[url] += 1

        async def counting(message: dict[str, object]) -> None:
            if message["type"] == "http.response.start":
                self.statuses[url, int(str(message["status"]))] += 1
            await send(message)

        await (self._router if path == "/graphql" else self._rest)(scope, receive, counting)  # type: ignore[arg-type]


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    return Origin(tmp_path)


@pytest.fixture
def cdn(origin: Origin, tmp_path: Path, deploy_tools: None) -> Iterator[httpx.Client]:
    """A client that has nginx in front of the origin."""
    del deploy_tools
    if program() is None:
        pytest.skip("needs nginx: make tools")
    with (
        serving(origin) as url,
        Nginx(tmp_path / "nginx", url.removeprefix("http://")) as nginx,
        httpx.Client(base_url=nginx.url, headers={"host": "bank.example.com"}, timeout=30) as client,
    ):
        yield client


@contextmanager
def fetching(client: httpx.Client, url: str, **headers: str) -> Iterator[tuple[httpx.Response, bytes]]:
    """The response, with its body as it was sent."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    with client.stream("GET", url, headers=given) as response:
        yield response, b"".join(response.iter_raw())


def assets(client: httpx.Client, page: str) -> list[str]:
    return re.findall(r'(?:href|src)="(/[^"#]+\.[0-9a-f]{16}\.[a-z]+)"', client.get(page).text)


def test_a_file_costs_one_request_for_each_coding(cdn: httpx.Client, origin: Origin) -> None:
    (url,) = [url for url in assets(cdn, "/") if "/banking." in url]
    plain = cdn.get(url, headers={"accept-encoding": "identity"}).content
    for coding, accepted in BROWSERS.items():
        bodies = set[bytes]()
        tags = set[str]()
        for each in (*accepted, *accepted):
            with fetching(cdn, f"{url}?v={len(bodies)}", accept_encoding=each) as (response, body):
                assert response.status_code == 200
                assert response.headers.get("content-encoding", "") == coding, each
                assert response.headers["cache-control"] == IMMUTABLE.decode()
                bodies.add(body)
                tags.add(response.headers["etag"])
        (body,), (tag,) = bodies, tags
        assert DECODERS.get(coding, bytes)(body) == plain
        assert not tag.startswith("W/")
    assert sum(count for path, count in origin.requests.items() if path.startswith(url)) == len(BROWSERS)


def test_a_cookie_does_not_keep_a_file_from_the_cache(cdn: httpx.Client, origin: Origin) -> None:
    url = assets(cdn, "/")[0]
    for cookie in ("a=1", "a=2", "a=3"):
        assert cdn.get(url, headers={"cookie": cookie, "authorization": "Bearer x"}).status_code == 200
    assert origin.requests[url] == 1


def test_ranges_and_conditions_are_answered_from_the_cache(cdn: httpx.Client, origin: Origin) -> None:
    url = next(url for url in assets(cdn, "/docs") if "/swagger-ui." in url)
    with fetching(cdn, url, accept_encoding="gzip") as (whole, body):
        tag = whole.headers["etag"]
    with fetching(cdn, url, accept_encoding="gzip", range="bytes=0-9", if_range=tag) as (part, begin):
        assert (part.status_code, begin) == (206, body[:10])
        assert part.headers["content-encoding"] == whole.headers["content-encoding"]
    with fetching(cdn, url, accept_encoding="gzip", if_none_match=tag) as (same, nothing):
        assert (same.status_code, nothing) == (304, b"")
    assert cdn.head(url, headers={"accept-encoding": "gzip"}).headers["etag"] == tag
    assert origin.requests[url] == 1


def test_every_file_of_the_pages_is_kept(cdn: httpx.Client, origin: Origin) -> None:
    for page in ("/", "/docs"):
        urls = assets(cdn, page)
        assert urls
        for url in urls * 2:
            assert cdn.get(url).status_code == 200
        assert {origin.requests[url] for url in urls} == {1}


def test_a_page_is_asked_for_again_and_not_sent_again(cdn: httpx.Client, origin: Origin) -> None:
    first = cdn.get("/")
    assert first.headers["x-cache"] == "MISS"
    assert cdn.get("/").headers["x-cache"] == "HIT"
    end = time.monotonic() + WAIT_SECONDS
    while (again := cdn.get("/")).headers["x-cache"] == "HIT" and time.monotonic() < end:
        time.sleep(0.2)
    assert again.headers["x-cache"] == "REVALIDATED"
    assert again.content == first.content
    assert (origin.statuses["/", 200], origin.statuses["/", 304]) == (1, 1)
    condition = {"if-none-match": first.headers["etag"]}
    assert cdn.get("/", headers=condition).status_code == 304


def test_a_public_operation_costs_one_request_for_each_coding(cdn: httpx.Client, origin: Origin) -> None:
    url = "/graphql?documentId=greet"
    for _ in range(5):
        response = cdn.get(url)
        assert response.json() == {"data": {"greet": "Hello a"}}
        assert response.headers["cache-control"] == "public, max-age=600"
    assert origin.requests[url] == 1


def test_a_private_response_is_never_kept(cdn: httpx.Client, origin: Origin) -> None:
    for query in ("documentId=me", "documentId=nothing", "documentId=greet&operationName=x"):
        url = f"/graphql?{query}"
        for count in (1, 2, 3):
            assert cdn.get(url).headers["cache-control"] == PRIVATE
            assert origin.requests[url] == count
    assert cdn.get("/api/accounts").status_code == cdn.get("/api/accounts").status_code == 401
    assert origin.requests["/api/accounts"] == 2


def test_a_person_who_is_signed_in_gets_nothing_from_the_cache_and_leaves_nothing(
    cdn: httpx.Client, origin: Origin
) -> None:
    url = "/graphql?documentId=greet"
    for header in ("authorization", "cookie", "x-api-key"):
        before = origin.requests[url]
        for _ in range(2):
            response = cdn.get(url, headers={header: "x", "apollo-require-preflight": "1"})
            assert (response.headers["cache-control"], response.headers["x-cache"]) == (PRIVATE, "BYPASS")
        assert origin.requests[url] == before + 2
        assert cdn.get(url).headers["cache-control"] == "public, max-age=600"
    assert origin.requests[url] == 3 * 2 + 1


def test_mutations_and_posts_pass_the_cache(cdn: httpx.Client, origin: Origin) -> None:
    for count in (1, 2):
        response = cdn.post("/graphql", json={"documentId": "greet"})
        assert response.headers["cache-control"] == "no-store"
        assert origin.requests["/graphql"] == count


def test_the_name_of_an_old_file_is_not_kept_as_missing(cdn: httpx.Client, origin: Origin) -> None:
    url = "/banking/main.0123456789abcdef.mjs"
    for count in (1, 2):
        response = cdn.get(url)
        assert (response.status_code, response.headers["cache-control"]) == (404, "no-store")
        assert origin.requests[url] == count
