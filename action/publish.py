"""What the GitHub Action tells GitHub: `comment` keeps one comment of this check on the pull request up to date, `alerts` uploads SARIF to code scanning.

Standard library alone, like `run.py`. A comment is known by its first line, the marker that `run.py` wrote, so that no check touches another's. A repository
without code scanning, or a token that may not comment (a pull request of a fork), is a notice: the step summary and the annotations say the same.

The API: "REST API endpoints for issue comments" and "for code scanning" in GitHub's documentation.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
import sys
import time
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit
from urllib.request import Request, urlopen

if __name__ == "__main__":
    # Python is started with -I, and looks for no module beside the script.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from action.workflow import annotate

TIMEOUT_SECONDS = 60
ATTEMPTS = 3
PAUSE_SECONDS = 5.0
TOKEN_OF_JOB = "ghs_"
"""What the token of a job (of a GitHub App) begins with."""
PAGE = 100
MAX_PAGES = 100
REFUSED = frozenset({401, 403, 404})
"""Statuses by which GitHub says that the token may not, or that the repository has no such thing."""


class ApiError(Exception):
    """GitHub did not do what was asked."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        """0: it could not be reached."""


def main(arguments: list[str]) -> int:
    """Run one of the two steps; its exit code."""
    steps = {"comment": keep_comment, "alerts": upload_alerts}
    if len(arguments) != 1 or arguments[0] not in steps:
        print("usage: publish.py comment|alerts")
        return 2
    try:
        steps[arguments[0]]()
    except ApiError as error:
        annotate("error", f"GitHub did not take the {arguments[0]}: {error}")
        return 1
    return 0


def keep_comment() -> None:
    """Create the comment of this check, or replace what it says; a clean run has nothing to say where there is none. Raises ApiError."""
    number = pull_request()
    if number is None:
        annotate("notice", "No comment is written: this run is of no pull request.")
        return
    body = Path(os.environ["COMMENT"]).read_text(encoding="utf-8")
    clean = os.environ.get("RESULT") == "pass" and os.environ.get("EXIT_CODE") == "0"
    try:
        known = find_comment(number, body.partition("\n")[0])
        if known is not None:
            if known["body"] != body:
                call("PATCH", f"issues/comments/{known['id']}", {"body": body})
        elif not clean:
            call("POST", f"issues/{number}/comments", {"body": body})
    except ApiError as error:
        if error.status not in REFUSED:
            raise
        annotate("notice", f"No comment is written: GitHub refused it ({error}). The job needs pull-requests: write, which pull requests of forks do not get.")


def find_comment(number: int, marker: str) -> dict[str, Any] | None:
    """The comment that begins with this line, by a bot where the token is one of a job: what a person wrote is not ours. Raises ApiError."""
    by_bot = os.environ.get("INPUT_TOKEN", "").startswith(TOKEN_OF_JOB)
    for page in range(1, MAX_PAGES + 1):
        comments = call("GET", f"issues/{number}/comments?per_page={PAGE}&page={page}")
        if not isinstance(comments, list):
            raise ApiError(0, "the list of comments is no list")
        for comment in comments:
            is_ours = not by_bot or (comment.get("user") or {}).get("type") == "Bot"
            if is_ours and str(comment.get("body", "")).partition("\n")[0].rstrip("\r") == marker:
                found: dict[str, Any] = comment
                return found
        if len(comments) < PAGE:
            return None
    return None


def pull_request() -> int | None:
    """The number of the pull request that started the run."""
    try:
        event = json.loads(Path(os.environ.get("GITHUB_EVENT_PATH", "")).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    number = (event.get("pull_request") or {}).get("number") if isinstance(event, dict) else None
    return number if isinstance(number, int) else None


def upload_alerts() -> None:
    """Upload the SARIF file for the commit that is checked out. Raises ApiError."""
    packed = gzip.compress(Path(os.environ["SARIF"]).read_bytes(), mtime=0)
    body = {
        "commit_sha": os.environ.get("GITHUB_SHA", ""),
        "ref": os.environ.get("GITHUB_REF", ""),
        "sarif": base64.b64encode(packed).decode(),
        "tool_name": "policycheck",
    }
    try:
        call("POST", "code-scanning/sarifs", body)
    except ApiError as error:
        if error.status not in REFUSED:
            raise
        said = "The repository has no code scanning, or the job lacks security-events: write. The findings are in the step summary and the annotations."
        annotate("notice", f"Nothing is uploaded to code scanning: GitHub refused it ({error}). {said}")


def call(method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """What GitHub answers to a call about this repository, as JSON; a call that fails on GitHub's side is made again.

    Raises:
        ApiError: GitHub refused it or could not be reached.
    """
    base = os.environ.get("GITHUB_API_URL") or "https://api.github.com"
    if urlsplit(base).scheme != "https" and urlsplit(base).hostname != "127.0.0.1":
        raise ApiError(0, "GITHUB_API_URL is no https address")
    url = f"{base}/repos/{quote(os.environ.get('GITHUB_REPOSITORY', ''))}/{path}"
    headers = {
        "Accept": "application/vnd.github+json",
        "Authorization": f"Bearer {os.environ.get('INPUT_TOKEN', '')}",
        "Content-Type": "application/json",
        "User-Agent": "policycheck",
        "X-GitHub-Api-Version": "2022-11-28",
    }
    # The scheme was looked at above.
    request = Request(url, None if body is None else json.dumps(body).encode(), headers, method=method)
    for attempt in range(ATTEMPTS):
        try:
            with urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
                return json.loads(answer.read() or b"null")
        except HTTPError as error:
            with error:
                problem = ApiError(error.code, f"{error.code} {_message(error.read(10_000))}")
        except (URLError, TimeoutError, ValueError, OSError) as error:
            problem = ApiError(0, f"no answer: {getattr(error, 'reason', error)}")
        # A comment that was created without an answer must not be created twice.
        if (0 < problem.status < 500) or method == "POST" or attempt == ATTEMPTS - 1:
            raise problem
        time.sleep(PAUSE_SECONDS)
    raise AssertionError("unreachable")


def _message(content: bytes) -> str:
    try:
        said = json.loads(content)
    except ValueError:
        return ""
    return str(said.get("message", ""))[:300] if isinstance(said, dict) else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
