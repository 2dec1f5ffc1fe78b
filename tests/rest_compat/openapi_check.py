"""Checks a response against the OpenAPI document: status, headers, media type, body."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator, FormatChecker  # type: ignore[import-untyped]  # it ships no types

from rest_compat import openapi

if TYPE_CHECKING:
    import httpx

Json = dict[str, Any]


def check(response: httpx.Response) -> None:
    """Raise AssertionError unless the document allows `response`; for an unknown route, it must be a 404."""
    assert response.headers["x-request-id"]
    operation = _operation(response.request.method, response.request.url.path)
    if operation is None:
        assert response.status_code in {204, 404, 405}, response.text
        return
    status = str(response.status_code)
    assert status in operation["responses"], f"{status} is not documented"
    promised = operation["responses"][status]
    for name, reference in promised["headers"].items():
        header = openapi.document()["components"]["headers"][reference["$ref"].rpartition("/")[2]]
        assert name in response.headers or not header.get("required"), f"{name} is missing"
    assert "ETag" not in response.headers or "ETag" in promised["headers"]
    _check_body(response, promised.get("content"))


def _check_body(response: httpx.Response, content: Json | None) -> None:
    if content is None:
        assert not response.content
        assert "content-type" not in response.headers
    elif response.request.method != "HEAD":
        media_type = response.headers["content-type"].partition(";")[0]
        body = response.text if media_type == "text/csv" else response.json()
        errors = list(_validator(content[media_type]["schema"]).iter_errors(body))
        assert not errors, errors


def _validator(schema: Json) -> Draft202012Validator:
    whole = {**schema, "components": {"schemas": openapi.document()["components"]["schemas"]}}
    return Draft202012Validator(whole, format_checker=FormatChecker())


def _operation(method: str, path: str) -> Json | None:
    for pattern, methods in _patterns():
        if pattern.fullmatch(path):
            return methods.get("get" if method == "HEAD" else method.lower())
    return None


@cache
def _patterns() -> list[tuple[re.Pattern[str], Json]]:
    """Path patterns, literal paths first, because they have priority."""
    paths: Json = openapi.document()["paths"]
    ordered = sorted(paths.items(), key=lambda item: item[0].count("{"))
    return [(re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), methods) for path, methods in ordered]
