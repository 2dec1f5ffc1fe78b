"""The drawing in `router/errors.py` has every error class with its code."""

from __future__ import annotations

import pkgutil
from importlib import import_module

import router
from router import errors
from router.errors import RequestError, ResponseError, RouterError


def all_below(kind: type[RouterError]) -> list[type[RouterError]]:
    return [below for each in kind.__subclasses__() for below in (each, *all_below(each))]


def test_all_errors_are_in_one_module_and_in_its_drawing() -> None:
    for module in pkgutil.walk_packages(router.__path__, "router."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    classes = [kind for kind in all_below(RouterError) if kind.__module__.startswith("router")]
    assert {kind.__module__ for kind in classes} == {"router.errors"}
    drawing = errors.__doc__ or ""
    missing = [kind.__name__ for kind in classes if f"─ {kind.__name__} " not in drawing]
    assert missing == []
    codes = {kind.code for kind in classes if "code" in vars(kind)} - {"BAD_REQUEST"}
    assert [code for code in codes if code not in drawing] == []


def test_a_request_error_has_one_entry_unless_it_is_given_several() -> None:
    (entry,) = RequestError("m", detail="d").errors
    assert (entry.message, entry.code, entry.detail) == ("m", "BAD_REQUEST", "d")
    several = (ResponseError(message="a"), ResponseError(message="b"))
    assert RequestError("m", errors=several).errors == several
