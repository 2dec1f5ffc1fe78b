"""Loads and calls Python functions of the operator, which the settings of a policy name."""

from __future__ import annotations

import importlib
import inspect
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class PolicySetupError(Exception):
    """A policy cannot be made from its settings. The message begins with the key of the configuration."""


def load_function(path: str, key: str) -> Callable[..., Any]:
    """Return the function that `path` names, such as `package.module:function`. `key` is the key of the configuration.

    Raises:
        PolicySetupError: The module cannot be imported, or has no such function.
    """
    module_name, _, name = path.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise PolicySetupError(f"{key}: cannot import {module_name}: {error}") from error
    function = getattr(module, name, None)
    if not callable(function):
        raise PolicySetupError(f"{key}: {module_name} has no function {name}")
    return function  # type: ignore[no-any-return]  # the operator's code has no known type


async def call(function: Callable[..., Any], *arguments: object) -> Any:
    """Call a function of the operator, which may be a coroutine function, and return its result."""
    result = function(*arguments)
    return await result if inspect.isawaitable(result) else result
