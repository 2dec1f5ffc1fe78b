"""`ide`: the web page that browsers get at the endpoint."""

from __future__ import annotations

from router.settings.section import Section


class Ide(Section):
    """The page for people who open the router in a browser."""

    enabled: bool = False
    """Whether a browser that opens `/` or `server.path` gets a page to write and run operations. In development, a
    missing key means `true`."""
