"""Comments of a pull request in GitHub. In the API of comments, a pull request is an issue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from router.schema_check.comment.merge_request_comments import Comment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.schema_check.comment.host_api import HostApi


@dataclass(frozen=True, slots=True)
class GithubComments:
    """The comments of a pull request.

    Attributes:
        api: The API with the base URL of the host's API.
        repository: The repository as `owner/name`.
        number: The number of the pull request.
    """

    api: HostApi
    repository: str
    number: int

    def read(self) -> Iterator[Comment]:
        """See `MergeRequestComments`."""
        for comment in self.api.pages(f"repos/{self.repository}/issues/{self.number}/comments", {}):
            yield Comment(comment["id"], comment.get("body") or "")

    def create(self, body: str) -> None:
        """See `MergeRequestComments`."""
        self.api.send("POST", f"repos/{self.repository}/issues/{self.number}/comments", body)

    def replace(self, comment: Comment, body: str) -> bool:
        """See `MergeRequestComments`."""
        return self.api.try_to_replace("PATCH", f"repos/{self.repository}/issues/comments/{comment.id}", body)
