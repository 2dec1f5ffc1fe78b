"""Renders the pages, with headers that keep other sites from using them.

`Content-Security-Policy` allows nothing but the style sheet of this service and forms to it. A browser applies
`form-action` to the redirects after a form, too, so a page whose form leads back to an application names the origin of
that application.
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Final

import jinja2
from starlette.responses import HTMLResponse, Response

from subgraphs.kit.service_routes import ServiceRoute

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

STYLE_PATH: Final = "/oauth/style.css"
_STYLE_AGE: Final = 3600
# A missing variable is an error instead of an empty text.
_TEMPLATES: Final = jinja2.Environment(
    loader=jinja2.PackageLoader("subgraphs.auth.pages"), autoescape=True, undefined=jinja2.StrictUndefined
)


def page(template: str, values: Mapping[str, object], *, status: int = 200, form_target: str = "") -> Response:
    """Return a page.

    Args:
        template: the name of a template in `templates/`.
        values: the variables of the template. They are escaped.
        status: the HTTP status.
        form_target: the origin to which the form of the page may lead besides this service; empty for none.
    """
    html = _TEMPLATES.get_template(template).render(style=STYLE_PATH, **values)
    return HTMLResponse(html, status, headers=headers(form_target))


def headers(form_target: str = "") -> dict[str, str]:
    """Return the headers of a page: nobody may frame it, keep it, or learn its URL; nothing foreign is loaded."""
    policy = (
        "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none';"
        f" form-action 'self' {form_target}".rstrip()
    )
    return {
        "content-security-policy": policy,
        "x-frame-options": "DENY",
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",
        "cache-control": "no-store",
    }


def style_route() -> ServiceRoute:
    """Return the route of the style sheet."""
    text = (files(__package__) / "style.css").read_text(encoding="utf-8")

    async def style(_request: Request) -> Response:
        sent = {"cache-control": f"public, max-age={_STYLE_AGE}", "x-content-type-options": "nosniff"}
        return Response(text, media_type="text/css", headers=sent)

    return ServiceRoute(STYLE_PATH, ("GET", "HEAD"), style)
