"""Comments of a merge request in GitLab: the Notes API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from router.schema_check.comment.merge_request_comments import Comment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.schema_check.comment.host_api import HostApi


@dataclass(frozen=True, slots=True)
class GitlabNotes:
    """The notes of a merge request.

    Attributes:
        api: The API with the base URL `…/api/v4/`.
        project: The number of the project.
        merge_request: The number of the merge request in the project.
    """

    api: HostApi
    project: str
    merge_request: str

    @property
    def _path(self) -> str:
        return f"projects/{self.project}/merge_requests/{self.merge_request}/notes"

    def read(self) -> Iterator[Comment]:
        """See `MergeRequestComments`. Notes that GitLab itself writes are left out."""
        for note in self.api.pages(self._path, {"sort": "asc", "order_by": "created_at"}):
            if not note.get("system"):
                yield Comment(note["id"], note["body"])

    def create(self, body: str) -> None:
        """See `MergeRequestComments`."""
        self.api.send("POST", self._path, body)

    def replace(self, comment: Comment, body: str) -> bool:
        """See `MergeRequestComments`."""
        return self.api.try_to_replace("PUT", f"{self._path}/{comment.id}", body)
