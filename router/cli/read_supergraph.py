"""Reads a composed supergraph from a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router import supergraph
from router.errors import InvalidSupergraph
from servicekit.errors import StartupError

if TYPE_CHECKING:
    from pathlib import Path

    from router.supergraph import Supergraph


def read_supergraph(path: Path) -> Supergraph:
    """Read the supergraph in a file.

    Raises:
        StartupError: the file cannot be read, or does not contain a valid supergraph.
    """
    try:
        return supergraph.load(path.read_text(encoding="utf-8"))
    except InvalidSupergraph as error:
        raise StartupError(f"{path}: {error.code}: {error.message}") from error
    except OSError as error:
        raise StartupError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise StartupError(f"{path}: is not UTF-8 text") from error
