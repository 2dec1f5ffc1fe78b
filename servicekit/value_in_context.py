"""`ValueInContext`: gives a context variable a value inside a `with` block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from contextvars import ContextVar
    from types import TracebackType

T = TypeVar("T")


class ValueInContext(Generic[T]):
    """Inside the block, `variable` has `value`, in this task and in the tasks that it starts.

    It runs for every request. So it is a class with slots and not a generator, which would be slower.
    """

    __slots__ = ("_token", "_value", "_variable")

    def __init__(self, variable: ContextVar[T], value: T) -> None:
        self._variable = variable
        self._value = value

    def __enter__(self) -> None:
        self._token = self._variable.set(self._value)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._variable.reset(self._token)
