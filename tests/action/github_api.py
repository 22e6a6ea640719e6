"""GitHub's API on loopback, as far as the action calls it: comments of a pull request, and code scanning with its alerts. It keeps what was asked.

Answers and refusals are as GitHub's documentation ("REST API endpoints for issue comments", "for code scanning") gives them. What counts of code scanning here:
an upload opens what it has, and closes what it lacks of the categories that it has runs of.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.action.runner import TOKEN

Json = dict[str, Any]
REPOSITORY = "example-org/backups"
NO_CODE_SCANNING = "Code scanning is not enabled for this repository. Please enable code scanning in the repository settings."
FORK = "Resource not accessible by integration"


@dataclass
class GitHub:
    """One repository with one pull request, number 7."""

    url: str = ""
    comments: list[Json] = field(default_factory=list)
    alerts: dict[tuple[str, str], str] = field(default_factory=dict)
    """State by category and fingerprint."""
    asked: list[str] = field(default_factory=list)
    has_code_scanning: bool = True
    may_comment: bool = True
    failures: int = 0
    """Calls that GitHub fails at before it is well again."""

    def of(self, category: str) -> list[str]:
        """The states of the alerts of a check."""
        return sorted(state for (name, _), state in self.alerts.items() if f"/{category}/" in f"{name}/")

    def answer(self, method: str, path: str, body: Json | None) -> tuple[int, object]:
        self.asked.append(f"{method} {path}")
        if self.failures:
            self.failures -= 1
            return 502, {"message": "Server Error"}
        if path == "code-scanning/sarifs" and method == "POST" and body is not None:
            return self._upload(body)
        if method == "GET" and (match := re.fullmatch(r"issues/7/comments\?per_page=(\d+)&page=(\d+)", path)):
            size, page = int(match[1]), int(match[2])
            return 200, self.comments[size * (page - 1) : size * page]
        if not self.may_comment:
            return 403, {"message": FORK}
        if method == "POST" and path == "issues/7/comments" and body is not None:
            return 201, self.add(body["body"])
        if method == "PATCH" and (match := re.fullmatch(r"issues/comments/(\d+)", path)) and body is not None:
            (comment,) = [one for one in self.comments if one["id"] == int(match[1])]
            assert len(body["body"]) <= 65_536
            comment["body"] = body["body"]
            return 200, comment
        return 404, {"message": "Not Found"}

    def add(self, body: str, kind: str = "Bot") -> Json:
        """A comment more."""
        assert len(body) <= 65_536
        self.comments.append({"id": len(self.comments) + 1, "body": body, "user": {"login": "github-actions[bot]", "type": kind}})
        return self.comments[-1]

    def _upload(self, body: Json) -> tuple[int, object]:
        if not self.has_code_scanning:
            return 403, {"message": NO_CODE_SCANNING}
        assert re.fullmatch("[0-9a-f]{40}", body["commit_sha"])
        assert body["ref"].startswith("refs/")
        runs = json.loads(gzip.decompress(base64.b64decode(body["sarif"])))["runs"]
        categories = [run["automationDetails"]["id"].rpartition("/")[0] for run in runs]
        if not 1 <= len(runs) <= 20 or len({*categories}) < len(categories):
            return 400, {"message": "Invalid request."}
        for category, run in zip(categories, runs, strict=True):
            found = {(category, result["partialFingerprints"]["primaryLocationLineHash"]) for result in run["results"]}
            self.alerts |= {key: "fixed" for key in self.alerts if key[0] == category and key not in found} | dict.fromkeys(found, "open")
        return 202, {"id": "47177e22-5596-11eb-80a1-c1e54ef945c6"}


@contextmanager
def serve() -> Iterator[GitHub]:
    """The API at an address of its own."""
    github = GitHub()

    class Handler(BaseHTTPRequestHandler):
        def _do(self) -> None:
            assert self.headers["Authorization"] == f"Bearer {TOKEN}"
            prefix = f"/repos/{REPOSITORY}/"
            assert self.path.startswith(prefix)
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, said = github.answer(self.command, self.path.removeprefix(prefix), json.loads(content) if content else None)
            answer = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = do_PATCH = _do

        def log_message(self, *_arguments: object) -> None:
            """Nothing is said of a request."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    github.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield github
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
