"""`HostApi`: sends requests to the HTTP API of GitLab or GitHub, and reads lists that are split into pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import httpx

from router.schema_check.comment.merge_request_comments import CommentError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# A page has 100 comments. No real merge request has 5,000.
_MAX_PAGES: Final = 50
_NOT_OURS: Final = frozenset((httpx.codes.FORBIDDEN, httpx.codes.NOT_FOUND))
_REFUSED: Final = frozenset((httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN))


@dataclass(frozen=True, slots=True)
class HostApi:
    """The HTTP API of a host of repositories.

    Attributes:
        client: The HTTP client, with the base URL and the credentials.
        permission: The permission that the token needs. Error messages contain it.
    """

    client: httpx.Client
    permission: str

    def pages(self, path: str, parameters: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        """Yield the items of a list that the host splits into pages (RFC 8288).

        Raises:
            CommentError: The host refuses, cannot be reached, or does not return a list.
        """
        url: str | None = str(httpx.URL(path, params={**parameters, "per_page": "100"}))
        for _ in range(_MAX_PAGES):
            if url is None:
                return
            response = self.send("GET", url)
            items = self._json(response)
            if not isinstance(items, list):
                raise CommentError(f"{response.request.url.host} did not return a list of comments")
            yield from items
            url = response.links.get("next", {}).get("url")

    def send(self, method: str, path: str, body: str | None = None) -> httpx.Response:
        """Send a request.

        Raises:
            CommentError: The host refuses, or cannot be reached.
        """
        response = self._send(method, path, body)
        if not response.is_success:
            raise CommentError(self._refusal(response))
        return response

    def try_to_replace(self, method: str, path: str, body: str) -> bool:
        """Send a request that changes a comment.

        Return False if the host says that the comment does not exist, or that the token may not change it.

        Raises:
            CommentError: The host refuses for another reason, or cannot be reached.
        """
        response = self._send(method, path, body)
        if response.status_code in _NOT_OURS:
            return False
        if not response.is_success:
            raise CommentError(self._refusal(response))
        return True

    def _send(self, method: str, path: str, body: str | None) -> httpx.Response:
        try:
            return self.client.request(method, path, json=None if body is None else {"body": body})
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            host = self.client.base_url.host
            raise CommentError(f"{host} cannot be reached: {str(error) or type(error).__name__}") from error

    def _refusal(self, response: httpx.Response) -> str:
        host, status = response.request.url.host, response.status_code
        if status in _REFUSED:
            return f"{host} returned status {status}: the token needs {self.permission}"
        return f"{host} returned status {status} to {response.request.method} {response.request.url.path}"

    @staticmethod
    def _json(response: httpx.Response) -> Any:
        try:
            return response.json()
        except ValueError as error:
            raise CommentError(f"{response.request.url.host} did not return JSON") from error
