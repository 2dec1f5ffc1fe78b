"""Runs Chromium for the tests of this folder: `make browser`, by hand and in nightly runs, not in `make test`."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rest_compat.app import create_app
from rest_compat.settings import RestSettings
from router.gateway import Gateway
from router.server.pages.ide_pages import installed_pages
from router.settings import read
from tests.rest_compat.fake_bank import SUPERGRAPH, FakeBank
from tests.router.server.live import serving
from tests.router.shop import SDL, Shop

if TYPE_CHECKING:
    from collections.abc import Iterator

AXE = Path(__file__).parents[2] / ".peers" / "browser" / "node_modules" / "axe-core" / "axe.min.js"
DEVELOPMENT = {"MOSAFE_ENV": "development"}


@pytest.fixture(scope="session")
def chromium(pytestconfig: pytest.Config) -> Iterator[Any]:
    """A running Chromium of this machine.

    Without the option `--browser-pages`, the test is skipped. With it, what is missing is an error.
    """
    if not pytestconfig.getoption("--browser-pages"):
        pytest.skip("these tests need Chromium: make browser")
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  (only `make browser` installs it)

    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert path is not None, "Chromium is not installed; on Debian: apt-get install chromium"
    with sync_playwright() as playwright:
        # Chromium's sandbox does not run as root, as in containers; the pages are our own.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def router_url(chromium: Any) -> Iterator[str]:
    """A router in development, in front of the subgraphs of `tests/router/shop.py`."""
    assert chromium
    with serving(Gateway.from_supergraph(SDL, read("", DEVELOPMENT), send=Shop()).asgi) as url:
        yield url


@pytest.fixture(scope="session")
def rest_url(chromium: Any) -> Iterator[str]:
    """The REST layer in development."""
    assert chromium
    settings = RestSettings.model_validate({"REST_SUPERGRAPH": SUPERGRAPH, **DEVELOPMENT})
    with serving(create_app(settings, FakeBank().send)) as url:
        yield url


@pytest.fixture(params=["explorer", "graphiql", "docs"])
def page_url(request: pytest.FixtureRequest) -> str:
    """The address of each page. GraphiQL is skipped if `make ide` has not bundled it."""
    if request.param == "docs":
        return f"{request.getfixturevalue('rest_url')}/docs"
    url: str = request.getfixturevalue("router_url")
    if request.param not in installed_pages():
        pytest.skip("GraphiQL is not bundled: make ide")
    return f"{url}/ide/{request.param}"
