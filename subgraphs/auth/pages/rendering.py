"""Renders the pages, with headers that keep other sites from using them.

`Content-Security-Policy` allows nothing but the style sheet of this service and forms to it. On a page for passkeys, it
also allows the one script of this service, by a nonce. A browser applies `form-action` to the redirects after a form,
too, so a page whose form leads back to an application names the origin of that application.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

import jinja2
from starlette.responses import HTMLResponse, Response

from subgraphs.auth.pages.static_files import SCRIPT, STYLE

if TYPE_CHECKING:
    from collections.abc import Mapping

_NONCE_BYTES: Final = 16
# A missing variable is an error instead of an empty text.
_TEMPLATES: Final = jinja2.Environment(
    loader=jinja2.PackageLoader("subgraphs.auth.pages"), autoescape=True, undefined=jinja2.StrictUndefined
)


def page(
    template: str, values: Mapping[str, object], *, status: int = 200, form_target: str = "", for_passkeys: bool = False
) -> Response:
    """Return a page.

    Args:
        template: the name of a template in `templates/`.
        values: the variables of the template. They are escaped.
        status: the HTTP status.
        form_target: the origin to which the form of the page may lead besides this service; empty for none.
        for_passkeys: whether the page has the script for passkeys. Without scripts, the rest of the page still works.
    """
    nonce = secrets.token_urlsafe(_NONCE_BYTES) if for_passkeys else ""
    html = _TEMPLATES.get_template(template).render(
        style=STYLE, script=SCRIPT if for_passkeys else None, nonce=nonce, **values
    )
    return HTMLResponse(html, status, headers=headers(form_target, nonce))


def headers(form_target: str = "", nonce: str = "") -> dict[str, str]:
    """Return the headers of a page: nobody may frame it, keep it, or learn its URL; nothing foreign is loaded.

    Args:
        form_target: as in `page`.
        nonce: of the only script that may run; empty for none.
    """
    script = f" script-src 'nonce-{nonce}';" if nonce else ""
    policy = (
        f"default-src 'none'; style-src 'self';{script} base-uri 'none'; frame-ancestors 'none';"
        f" form-action 'self' {form_target}".rstrip()
    )
    return {
        "content-security-policy": policy,
        "x-frame-options": "DENY",
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",
        "cache-control": "no-store",
    }
