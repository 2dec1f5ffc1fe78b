from __future__ import annotations

import pytest

from router.policies.load_operator_functions import PolicySetupError, call, load_function


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("no.such.module:f", "some.key: cannot import no.such.module"),
        ("json:nothing", "some.key: json has no function nothing"),
        ("json:__name__", "some.key: json has no function __name__"),
    ],
)
def test_a_function_that_does_not_exist_is_named_with_its_key(path: str, message: str) -> None:
    with pytest.raises(PolicySetupError, match=message):
        load_function(path, "some.key")


async def later(value: int) -> int:
    return value + 1


async def test_functions_may_be_coroutine_functions() -> None:
    assert await call(load_function("json:loads", "k"), "7") == 7
    assert await call(later, 7) == 8
