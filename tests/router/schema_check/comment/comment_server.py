"""A server that stores the comments of one merge request, with the interfaces of GitLab and GitHub."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN = "secret"
JOB = "job"
_GITLAB = re.compile(r"/api/v4/projects/42/merge_requests/7/notes(?:/(\d+))?")
_GITHUB = re.compile(r"/repos/a/b/issues/(?:7/comments|comments/(\d+))")


@dataclass
class StoredComment:
    id: int
    author: str
    body: str


@dataclass
class CommentServer:
    """The comments, and how to reach the server. If `refuse_with` is set, each response has this status."""

    url: str = ""
    comments: list[StoredComment] = field(default_factory=list)
    refuse_with: int | None = None

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[CommentServer]:
        found = cls()

        class Handler(_Handler):
            store = found

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            found.url = f"http://127.0.0.1:{server.server_port}"
            thread = Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            yield found
            server.shutdown()
            thread.join()

    def add(self, author: str, body: str) -> None:
        self.comments.append(StoredComment(len(self.comments) + 1, author, body))

    def gitlab(self) -> dict[str, str]:
        """The environment of a job of GitLab."""
        return {
            "CI_API_V4_URL": f"{self.url}/api/v4",
            "CI_PROJECT_ID": "42",
            "CI_MERGE_REQUEST_IID": "7",
            "ROUTER_COMMENT_TOKEN": TOKEN,
        }

    def github(self, event: Path) -> dict[str, str]:
        """The environment of a job of GitHub."""
        return {
            "GITHUB_API_URL": self.url,
            "GITHUB_REPOSITORY": "a/b",
            "GITHUB_EVENT_PATH": str(event),
            "GITHUB_TOKEN": TOKEN,
        }


class _Handler(BaseHTTPRequestHandler):
    store: CommentServer

    def log_message(self, *_: object) -> None:
        """Nothing is logged."""

    def do_GET(self) -> None:
        self._handle()

    # The base class calls these names.
    do_POST = do_PUT = do_PATCH = do_GET  # noqa: N815

    def _handle(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        token = self.headers.get("PRIVATE-TOKEN") or (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        url = urlsplit(self.path)
        pattern = _GITLAB if url.path.startswith("/api/v4/") else _GITHUB
        match = pattern.fullmatch(url.path)
        if self.store.refuse_with is not None:
            self._respond(self.store.refuse_with, {})
        elif token != TOKEN:
            self._respond(401, {"message": "401 Unauthorized"})
        elif match is None:
            self._respond(404, {})
        elif self.command == "GET":
            self._list(url.path, parse_qs(url.query))
        elif self.command == "POST":
            self.store.add(JOB, body["body"])
            self._respond(201, {"id": len(self.store.comments)})
        elif self.command == ("PUT" if pattern is _GITLAB else "PATCH"):
            self._replace(int(match[1]), body["body"])
        else:
            self._respond(405, {})

    def _replace(self, number: int, body: str) -> None:
        comment = self.store.comments[number - 1]
        if comment.author != JOB:
            self._respond(403, {"message": "403 Forbidden"})
            return
        comment.body = body
        self._respond(200, {"id": number})

    def _list(self, path: str, query: dict[str, list[str]]) -> None:
        page, size = int(query.get("page", ["1"])[0]), int(query["per_page"][0])
        listed = self.store.comments[(page - 1) * size : page * size]
        following = page * size < len(self.store.comments)
        link = f'<{self.store.url}{path}?per_page={size}&page={page + 1}>; rel="next"' if following else ""
        self._respond(200, [{"id": each.id, "body": each.body, "system": False} for each in listed], link)

    def _respond(self, status: int, content: object, link: str = "") -> None:
        text = json.dumps(content).encode()
        self.send_response(status)
        if link:
            self.send_header("Link", link)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
