"""Reads a registry from a folder that a web server serves."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from router.composition.url_without_secrets import without_secrets
from router.schema_check.registry.registry_files import MAX_BYTES, missing_file
from router.schema_check.registry.registry_version import RegistryError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def open_web_folder(url: str, timeout_seconds: float) -> Iterator[WebFolder]:
    """Open the folder for reading. Redirects are not followed, because the URL may contain credentials."""
    with httpx.Client(timeout=timeout_seconds, follow_redirects=False) as client:
        yield WebFolder(without_secrets(url).rstrip("/"), url.rstrip("/"), client)


@dataclass(frozen=True, slots=True)
class WebFolder:
    """The files of a registry, as a web server serves them.

    Attributes:
        label: The URL without secrets, for messages.
        url: The URL.
        client: Sends the requests.
    """

    label: str
    url: str
    client: httpx.Client

    def read(self, path: str) -> bytes:
        """Return the content of a file.

        Raises:
            RegistryError: The server does not return the file.
        """
        place = f"{self.label}/{path}"
        content = bytearray()
        try:
            with self.client.stream("GET", f"{self.url}/{path}") as response:
                if response.status_code == httpx.codes.NOT_FOUND:
                    raise missing_file(self.label, path)
                if not response.is_success:
                    raise RegistryError(f"{place}: the server returned status {response.status_code}")
                for chunk in response.iter_bytes():
                    content += chunk
                    if len(content) > MAX_BYTES:
                        raise RegistryError(f"{place}: is longer than {MAX_BYTES} bytes")
        except httpx.TimeoutException as error:
            raise RegistryError(f"{place}: the server did not respond in time; --timeout allows more") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise RegistryError(
                f"{place}: the server cannot be reached: {str(error) or type(error).__name__}; "
                "without a network, name a folder as --registry"
            ) from error
        return bytes(content)
