"""A `router serve` process with every policy on, in front of the shop over HTTP."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.router.cli.test_cli import Running, serving
from tests.router.every_policy import configuration
from tests.router.every_policy.shop_with_policy_directives import ShopOverHttp, serving_subgraphs, supergraph
from tests.router.policies.authentication.issuer import token
from tests.router.shop import Shop, failing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass
class RouterWithEveryPolicy:
    """The running router. `subgraphs` has the headers of the requests that the subgraphs got."""

    url: str
    process: Running
    subgraphs: ShopOverHttp

    def headers(self) -> dict[str, str]:
        """The credential of a client that may read and change everything."""
        return {"authorization": f"Bearer {token()}"}


@contextmanager
def serving_every_policy(
    folder: Path, redis_url: str, variant: dict[str, Any] = configuration.WITH_INTROSPECTION
) -> Iterator[RouterWithEveryPolicy]:
    """Run the router while the block runs. `Query.order` always fails."""
    no_orders = failing("database on fire")
    shop = Shop(before={"orders": lambda request: no_orders(request) if "order(" in request.operation else None})
    app = ShopOverHttp(shop)
    with serving_subgraphs(app) as urls:
        (folder / "supergraph.graphql").write_text(supergraph(urls[0]))
        several = {name: [f"{url}/{name}" for url in urls] for name in ("people", "orders")}
        configuration.write(folder, variant, {"override_subgraph_url": several})
        with serving(folder, "--config", "router.yaml", **{configuration.REDIS_VARIABLE: redis_url}) as process:
            url = f"http://127.0.0.1:{process.event('listening')['port']}/graphql"
            yield RouterWithEveryPolicy(url, process, app)
