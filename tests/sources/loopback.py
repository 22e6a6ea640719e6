"""A loopback endpoint that answers what a test says, and jobs for it. `python -m tests.sources.loopback JOBS` serves jobs from a process of its own."""

from __future__ import annotations

import json
import ssl
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ACCOUNT, OTHER = "111122223333", "444455556666"
REGION = "eu-west-1"


def job(number: int, *, account: str = ACCOUNT, region: str = REGION, **members: Any) -> dict[str, Any]:
    """A backup job as AWS sends it, created `number` minutes before `NOW`; members named here replace its own."""
    created = (NOW - timedelta(minutes=number)).timestamp()
    return {
        "AccountId": account,
        "BackupJobId": f"job-{account}-{region}-{number:06}",
        "BackupVaultName": "prod",
        "BackupVaultArn": f"arn:aws:backup:{region}:{account}:backup-vault:prod",
        "RecoveryPointArn": f"arn:aws:ec2:{region}::snapshot/snap-{number:017x}",
        "ResourceArn": f"arn:aws:ec2:{region}:{account}:volume/vol-{number:017x}",
        "ResourceType": "EBS",
        "ResourceName": f"volume {number}",
        "CreationDate": created,
        "InitiationDate": created,
        "CompletionDate": created + 30.5,
        "ExpectedCompletionDate": created + 7200,
        "StartBy": created + 3600,
        "State": "COMPLETED",
        "MessageCategory": "SUCCESS",
        "PercentDone": "100.0",
        "BackupSizeInBytes": 8589934592,
        "IamRoleArn": f"arn:aws:iam::{account}:role/service-role/AWSBackupDefaultServiceRole",
        "CreatedBy": {
            "BackupPlanId": "2f9d3c0e-0000-4000-8000-000000000001",
            "BackupPlanArn": f"arn:aws:backup:{region}:{account}:backup-plan:2f9d3c0e-0000-4000-8000-000000000001",
            "BackupPlanVersion": "MmY5ZDNjMGU",
            "BackupRuleId": "5b0b2f6d-0000-4000-8000-000000000001",
        },
        "IsParent": False,
        **members,
    }


@dataclass(frozen=True)
class Answer:
    """What the endpoint sends; `promised` is the Content-Length if it is not the body's."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    promised: int | None = None

    @classmethod
    def of(cls, value: object, status: int = 200, **headers: str) -> Answer:
        return cls(json.dumps(value).encode(), status, headers)


@dataclass
class Endpoint:
    """A running endpoint: its URL and the queries it was asked, in order."""

    url: str
    asked: list[dict[str, str]] = field(default_factory=list)


Respond = Callable[[int, Mapping[str, str]], Answer]


@contextmanager
def endpoint(answers: Respond | Sequence[Answer], *, context: ssl.SSLContext | None = None) -> Iterator[Endpoint]:
    """Serve answers in turn, the last one for ever; or what a function makes of the number of the request (from 0) and its query."""
    given = answers
    respond: Respond = given if callable(given) else lambda number, _: given[min(number, len(given) - 1)]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query, keep_blank_values=True).items()}
            served.asked.append(query)
            answer = respond(len(served.asked) - 1, query)
            self.send_response_only(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body) if answer.promised is None else answer.promised))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that has gone is no news."""

    with Server(("127.0.0.1", 0), Handler) as server:
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        served = Endpoint(f"{'https' if context else 'http'}://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield served
        finally:
            server.shutdown()
            thread.join()


def pages(jobs: Sequence[Mapping[str, Any]], size: int) -> list[Answer]:
    """Answers of `size` jobs that lead from one to the next, with the Date `NOW`."""
    found = []
    for start in range(0, max(len(jobs), 1), size):
        page: dict[str, Any] = {"BackupJobs": jobs[start : start + size]}
        if start + size < len(jobs):
            page["NextToken"] = f"token-{start + size}"
        found.append(Answer.of(page, Date=format_datetime(NOW, usegmt=True)))
    return found


def main(count: int) -> None:
    """Serve `count` jobs until stdin closes; prints the URL. Pages are made beforehand, so that serving them costs little."""
    ready = pages([job(number) for number in range(count)], 1000)
    with endpoint(lambda _, query: ready[int(query.get("nextToken", "token-0").removeprefix("token-")) // 1000]) as served:
        print(served.url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(int(sys.argv[1]))
