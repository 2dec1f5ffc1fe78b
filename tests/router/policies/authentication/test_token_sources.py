from __future__ import annotations

import pytest

from router.policies.authentication.token_sources import TokenSources
from router.request.repeated_headers import RepeatedHeaders
from router.settings.sections.authentication import Jwt

BEARER = [{"header": "authorization"}]
BOTH = [{"header": "authorization"}, {"cookie": "session"}]
PLAIN = [{"header": "x-token", "scheme": ""}]


@pytest.mark.parametrize(
    ("sources", "headers", "expected"),
    [
        (BEARER, {}, None),
        (BEARER, {"authorization": "Bearer t"}, "t"),
        (BEARER, {"authorization": "bEARER   t "}, "t"),
        (BEARER, {"authorization": "Basic t"}, None),
        (BEARER, {"authorization": "Bearer"}, ""),
        (BEARER, {"authorization": "Bearert"}, None),
        (BEARER, {"authorization": "Bearer a b"}, "a b"),
        (BEARER, {"cookie": "session=t"}, None),
        (BOTH, {"cookie": "a=b; session=t; c=d"}, "t"),
        (BOTH, {"cookie": 'session="t"'}, "t"),
        (BOTH, {"cookie": "xsession=t; session2=u"}, None),
        (BOTH, {"cookie": "session"}, ""),
        (BOTH, {"authorization": "Bearer t", "cookie": "session=u"}, "t"),
        (BOTH, {"authorization": "Basic t", "cookie": "session=u"}, "u"),
        (BOTH[::-1], {"authorization": "Bearer t", "cookie": "session=u"}, "u"),
        (PLAIN, {"x-token": "t"}, "t"),
        (PLAIN, {"x-token": ""}, None),
        ([{"header": "authorization", "scheme": "DPoP"}], {"authorization": "dpop t"}, "t"),
    ],
)
def test_the_first_source_with_a_token_decides(
    sources: list[dict[str, str]], headers: dict[str, str], expected: str | None
) -> None:
    found = TokenSources(Jwt(sources=sources).sources).find(headers)
    assert (found and found.text) == expected


def test_the_token_of_headers_that_a_client_repeats_is_found_once() -> None:
    sources, headers = TokenSources(Jwt(sources=BEARER).sources), RepeatedHeaders({"authorization": "Bearer t"})
    found = sources.find(headers)
    assert found is not None
    assert sources.find(headers) is found
    assert found.digest is found.digest
    assert TokenSources(Jwt(sources=PLAIN).sources).find(headers) is None
