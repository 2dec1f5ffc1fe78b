from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from router.server.graphql_http_app import GraphQLApp
from router.settings import read
from tests.router.server.asgi_client import AsgiClient
from tests.router.server.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def client(recorder: Recorder) -> Callable[..., AsgiClient]:
    def make(settings: str = "") -> AsgiClient:
        return AsgiClient(GraphQLApp(recorder, read(settings, {})))

    return make
