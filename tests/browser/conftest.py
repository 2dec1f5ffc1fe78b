"""Runs Chromium for the tests of this folder: `make browser`, by hand and in `.ci/nightly`, not in `make test`."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from rest_compat.app import create_app
from rest_compat.settings import RestSettings
from router.gateway import Gateway
from router.server.pages.ide_pages import installed_pages
from router.settings import read
from tests.e2e.platform import Platform, start_platform
from tests.rest_compat.fake_bank import SUPERGRAPH, FakeBank
from tests.router.server.live import serving
from tests.router.shop import SDL, Shop

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMES = ("light", "dark")
SIZES = ((1280, 800), (375, 812))
DEVELOPMENT = {"MOSAFE_ENV": "development"}


@pytest.fixture(scope="session")
def chromium(pytestconfig: pytest.Config) -> Iterator[Any]:
    """A running Chromium of this machine.

    Without the option `--browser-pages`, or without Chromium, the test is skipped.
    """
    if not pytestconfig.getoption("--browser-pages"):
        pytest.skip("these tests need Chromium: make browser")
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("Chromium is not installed; on Debian: apt-get install chromium")
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  (only `make browser` installs it)

    with sync_playwright() as playwright:
        # Chromium's sandbox does not run as root, as in containers; the pages are our own.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(
    params=[(scheme, size) for scheme in SCHEMES for size in SIZES], ids=lambda each: f"{each[0]}-{each[1][0]}"
)
def context(request: pytest.FixtureRequest, chromium: Any) -> Iterator[Any]:
    scheme, (width, height) = request.param
    context = chromium.new_context(color_scheme=scheme, viewport={"width": width, "height": height})
    # The entries of layout shifts are kept only for an observer that is there from the beginning.
    context.add_init_script("new PerformanceObserver(() => {}).observe({type: 'layout-shift', buffered: true})")
    context.set_default_timeout(20_000)
    yield context
    context.close()


@pytest.fixture
def desktop(chromium: Any) -> Iterator[Any]:
    """A browser context for tests of what a page does, which does not depend on colours and sizes."""
    context = chromium.new_context()
    context.set_default_timeout(20_000)
    yield context
    context.close()


@pytest.fixture(scope="session")
def bank(chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The whole platform, whose REST layer serves the online banking page."""
    assert chromium
    # A test that needs a second code takes that of the next half minute.
    variables = {"TRANSACTION_STEP_UP_ABOVE": "1000", "AUTH_TOTP_TOLERANCE": "1"}
    platform = start_platform(tmp_path_factory.mktemp("bank"), **variables)
    yield platform
    assert platform.stop() == 0, "\n".join(platform.lines[-20:])


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


@pytest.fixture(params=["explorer", "graphiql", "docs", "banking"])
def page_url(request: pytest.FixtureRequest) -> str:
    """The address of each page. GraphiQL is skipped if `make ide` has not bundled it."""
    if request.param in {"docs", "banking"}:
        return f"{request.getfixturevalue('rest_url')}/{'docs' if request.param == 'docs' else ''}"
    url: str = request.getfixturevalue("router_url")
    if request.param not in installed_pages():
        pytest.skip("GraphiQL is not bundled: make ide")
    return f"{url}/ide/{request.param}"
