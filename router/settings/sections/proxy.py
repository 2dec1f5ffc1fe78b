"""`traffic.all.proxy`: an HTTP proxy between the router and the subgraphs."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, model_validator

from router.settings.section import Section
from servicekit.http_url import split_http_url


def _proxy_url(value: str) -> str:
    url = split_http_url(value)
    if url.is_tls or url.target != "/":
        raise ValueError("the URL of a proxy is http://host:port")
    return value


class Proxy(Section):
    """An HTTP proxy between the router and the subgraphs.

    For https, the proxy opens a tunnel, and cannot read requests.
    Requests to Unix sockets never use the proxy. The router reads no environment variables such as HTTPS_PROXY.
    """

    url: Annotated[str, AfterValidator(_proxy_url)] | None = None
    """URL of the proxy, for example `http://proxy.example.com:3128`. Null: requests are sent without a proxy."""
    username: Annotated[str, Field(pattern=r"^[^:]+$")] | None = None
    """The user name for the proxy."""
    password: SecretStr | None = None
    """The password for the proxy; never printed."""
    no_proxy: tuple[Annotated[str, Field(pattern=r"^[^\s,]+$")], ...] = ()
    """Hosts of subgraphs that are called without the proxy: a host (`localhost`), a host with a port (`db:3001`), a
    domain with all its subdomains (`.internal`), a network (`10.0.0.0/8`), or `*`."""

    @model_validator(mode="after")
    def _has_whole_credentials(self) -> Proxy:
        if (self.username is None) != (self.password is None):
            raise ValueError("give both `username` and `password`, or none")
        if self.url is None and (self.username is not None or self.no_proxy):
            raise ValueError("`username`, `password` and `no_proxy` need `url`")
        return self
