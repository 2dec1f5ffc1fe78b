"""Finds the id of a request's document: the id of a persisted document, or a hash for APQ.

The id can be in these places of a request:

    place                                                                     allowed by the setting
    {"documentId": "..."}  or  ?documentId=...                                `persisted_documents.parameters`
    {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "..."}}}   `apq`, `persisted_documents.extension`
    /graphql/<id>                                                             `persisted_documents.url_path`
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.server.http_refusals import HttpRefusal
from router.settings.sections.persisted_documents import PersistedMode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.settings.model import RouterSettings

# The only version of `persistedQuery` (https://www.apollographql.com/docs/apollo-server/performance/apq).
_VERSION = 1
_EXTENSION = "persistedQuery"


class DocumentIds:
    """Finds document ids in the places that the settings allow."""

    def __init__(self, settings: RouterSettings) -> None:
        persisted = settings.persisted_documents
        listed = persisted.mode is not PersistedMode.DISABLED
        self._parameters = persisted.parameters if listed else ()
        self._extension = settings.apq.enabled or (listed and persisted.extension)
        self._path = f"{settings.server.path.rstrip('/')}/" if listed and persisted.url_path else None

    def in_path(self, path: str) -> str | None:
        """Return the document id in `path`, the path of a request, or None."""
        if self._path is None or not path.startswith(self._path):
            return None
        rest = path.removeprefix(self._path)
        return rest if rest and "/" not in rest else None

    def find(
        self, parameters: Mapping[str, object], extensions: Mapping[str, object], in_path: str | None
    ) -> str | None:
        """Return the document id of a request, or None. Raises `HttpRefusal` for a malformed id or two ids."""
        if in_path is None and not extensions and not self._parameters:
            return None
        found = {_text(name, parameters[name]) for name in self._parameters if parameters.get(name) is not None}
        if in_path is not None:
            found.add(in_path)
        if self._extension and extensions.get(_EXTENSION) is not None:
            found.add(_hash(extensions[_EXTENSION]))
        if len(found) > 1:
            raise HttpRefusal("BAD_REQUEST", "The request names two documents.")
        return found.pop() if found else None

    def refuse_unsupported(self, extensions: Mapping[str, object]) -> None:
        """Raise `HttpRefusal` if the request has a hash of a document, but the settings do not allow hashes.

        The client then repeats the request with the document.
        """
        if not self._extension and _EXTENSION in extensions:
            raise HttpRefusal("PERSISTED_QUERY_NOT_SUPPORTED", "PersistedQueryNotSupported")


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise HttpRefusal("BAD_REQUEST", f"The parameter `{name}` is not a string.")
    return value


def _hash(extension: object) -> str:
    if not isinstance(extension, dict) or extension.get("version") != _VERSION:
        raise HttpRefusal("BAD_REQUEST", f"`extensions.{_EXTENSION}` is not an object of version {_VERSION}.")
    return _text(f"extensions.{_EXTENSION}.sha256Hash", extension.get("sha256Hash"))
