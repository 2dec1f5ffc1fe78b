"""What GitLab and GitHub have in common: the comments of one merge request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator


class CommentError(Exception):
    """The comment cannot be written. The message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment.

    Attributes:
        id: The number that the host gives the comment.
        body: The text in Markdown.
    """

    id: int
    body: str


class MergeRequestComments(Protocol):
    """The comments of one merge request."""

    def read(self) -> Iterator[Comment]:
        """Yield the comments, the oldest first.

        Raises:
            CommentError: The host refuses, or cannot be reached.
        """

    def create(self, body: str) -> None:
        """Add a comment.

        Raises:
            CommentError: The host refuses, or cannot be reached.
        """

    def replace(self, comment: Comment, body: str) -> bool:
        """Replace the text of a comment. Return False if the comment is not ours or no longer exists.

        Raises:
            CommentError: The host refuses for another reason, or cannot be reached.
        """
