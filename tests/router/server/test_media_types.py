from __future__ import annotations

import pytest

from router.server.media_types import MediaType, is_json, negotiate

JSON = MediaType.JSON
GRAPHQL = MediaType.GRAPHQL_RESPONSE


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("application/json", JSON),
        ("APPLICATION/JSON", JSON),
        ("application/graphql-response+json", GRAPHQL),
        ("application/graphql-response+json; charset=utf-8, application/json; charset=utf-8", GRAPHQL),
        ("application/json, application/graphql-response+json", JSON),
        ("application/graphql-response+json;q=0.5, application/json", JSON),
        ("application/graphql-response+json, application/json;q=0.9", GRAPHQL),
        ("application/graphql-response+json, */*;q=0.1", GRAPHQL),
        ("application/json;q=0.1, application/graphql-response+json;q=0.2", GRAPHQL),
        ("*/*, application/graphql-response+json", GRAPHQL),
        ("*/*, application/json;q=0", GRAPHQL),
        ("text/html, application/xhtml+xml, */*;q=0.8", JSON),
        ("application/json;q=abc, application/graphql-response+json", GRAPHQL),
        (" , application/json ,", JSON),
        ("text/html", None),
        ("application/json;q=0", None),
        ("application/xml, text/*", None),
    ],
)
def test_the_response_has_the_type_the_client_likes_best(accept: str | None, expected: MediaType | None) -> None:
    assert negotiate(accept) is expected


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        ("application/json", True),
        ("application/json; charset=utf-8", True),
        ('Application/JSON;charset="UTF-8"', True),
        ("application/json; charset=iso-8859-1", False),
        ("application/graphql-response+json", False),
        ("text/plain", False),
        ("application/jsonp", False),
        ("", False),
        (None, False),
    ],
)
def test_only_json_in_utf_8_is_taken(content_type: str | None, expected: bool) -> None:  # noqa: FBT001  (a table's column)
    assert is_json(content_type) is expected
