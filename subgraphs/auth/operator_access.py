"""What the operators' commands share: the settings of the process, and the store. The service may be running."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicekit.settings import environment, load
from subgraphs.auth.settings import AuthSettings
from subgraphs.auth.store.factory import STORES
from subgraphs.kit.store_identity import open_joined

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from subgraphs.auth.store.protocol import AuthStore


def settings() -> AuthSettings:
    """Read the settings from the environment. Raises ConfigurationError for a variable that is not valid."""
    return load(AuthSettings, environment())


def open_store() -> AbstractAsyncContextManager[AuthStore]:
    """Open the store of the installation. Raises StartupError if it cannot be opened or is not the installation's."""
    return open_joined(settings().place, STORES)
