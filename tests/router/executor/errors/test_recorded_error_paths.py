from __future__ import annotations

from router.errors import ResponseError
from router.executor.errors.recorded_error_paths import RecordedErrorPaths


def failures(*paths: tuple[str | int, ...] | None) -> RecordedErrorPaths:
    return RecordedErrorPaths.of(ResponseError(message="x", path=path) for path in paths)


def test_an_error_is_within_its_path_and_within_every_prefix_of_it() -> None:
    known = failures(("users", 1, "name"))
    assert known.within(("users", 1, "name"))
    assert known.within(("users", 1))
    assert known.within(())
    assert not known.within(("users", 0))
    assert not known.within(("users", 1, "name", "first"))


def test_an_error_is_above_longer_paths_only() -> None:
    known = failures(("users", 1))
    assert known.above(("users", 1, "name"))
    assert not known.above(("users", 1))
    assert not known.above(("users", 0, "name"))


def test_an_error_at_the_root_is_above_every_path() -> None:
    assert failures(()).above(("users",))


def test_an_error_without_a_path_is_nowhere() -> None:
    known = failures(None)
    assert not known.within(())
    assert not known.above(("users",))
