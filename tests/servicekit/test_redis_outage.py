from __future__ import annotations

from servicekit.redis_outage import RedisOutage


async def test_the_first_failure_and_the_end_of_a_failure_are_known() -> None:
    outage = RedisOutage()
    assert outage.succeeded() == 0
    assert [outage.failed(0.0) for _ in range(3)] == [True, False, False]
    assert outage.is_failing()
    assert outage.succeeded() == 3
    assert not outage.is_failing()
    assert outage.failed(0.0)
    assert outage.failures == 4


async def test_no_command_is_sent_for_a_while_after_a_failure() -> None:
    outage = RedisOutage()
    assert not outage.is_paused()
    outage.failed(3600.0)
    assert outage.is_paused()
    outage.failed(0.0)
    assert not outage.is_paused()
