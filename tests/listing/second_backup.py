"""A second AWS Backup: ListBackupJobs, ListCopyJobs and ListRestoreJobs on 127.0.0.1, written after botocore's model (data/backup/2018-11-15) alone.

What AWS does not document it does otherwise than the emulator, so that a client that relies on either is found: before and after include the moment itself,
jobs come in no order, a page may be half as long as asked for or empty and still carry a token, a token holds characters that a URL must quote, the last page
says "NextToken": null, text is sent both escaped and as UTF-8, and a record has a member that no model knows.
"""

from __future__ import annotations

import json
import re
import ssl
import threading
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.listing.generated import MANAGEMENT, OTHER, PLACES, REGION, Lists, Record, lists_of

DENIED, EXPIRED = "AKIADENIED0000000000", "AKIAEXPIRED000000000"
"""Keys whose holder is refused every list, and whose session is over."""
DISABLED_REGION = "ap-east-1"
UNKNOWN_MEMBER = "MemberOfTheFuture"
_CREDENTIAL = re.compile(r"Credential=(?P<key>[^/]+)/\d{8}/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")

Matches = Callable[[Record, str], bool]


class RefusedError(Exception):
    """An error of the service: its HTTP status, its code and its message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def _equal(member: str) -> Matches:
    return lambda record, wanted: record.get(member) == wanted


def _moment(text: str) -> float:
    if not _TIME.fullmatch(text):
        raise RefusedError(400, "InvalidParameterValueException", f"Invalid timestamp: {text}")
    return datetime.fromisoformat(text).timestamp()


def _after(member: str) -> Matches:
    return lambda record, bound: record.get(member) is not None and record[member] >= _moment(bound)


def _before(member: str) -> Matches:
    return lambda record, bound: record.get(member) is not None and record[member] <= _moment(bound)


def _category(record: Record, wanted: str) -> bool:
    return wanted in {"*", "AGGREGATE_ALL"} or record.get("MessageCategory") == wanted


def _state(member: str, states: str) -> Matches:
    def matches(record: Record, wanted: str) -> bool:
        if wanted not in states.split():
            raise RefusedError(400, "InvalidParameterValueException", f"Unknown {member.lower()}: {wanted}")
        return bool(record[member] == wanted)

    return matches


_COMMON: dict[str, Matches] = {
    "createdBefore": _before("CreationDate"),
    "createdAfter": _after("CreationDate"),
    "completeBefore": _before("CompletionDate"),
    "completeAfter": _after("CompletionDate"),
    "resourceType": _equal("ResourceType"),
    "parentJobId": _equal("ParentJobId"),
}
OPERATIONS: Mapping[str, tuple[str, Mapping[str, Matches]]] = {
    "/backup-jobs": (
        "BackupJobs",
        _COMMON
        | {
            "resourceArn": _equal("ResourceArn"),
            "state": _state("State", "CREATED PENDING RUNNING ABORTING ABORTED COMPLETED FAILED EXPIRED PARTIAL"),
            "backupVaultName": _equal("BackupVaultName"),
            "messageCategory": _category,
        },
    ),
    "/copy-jobs": (
        "CopyJobs",
        _COMMON
        | {
            "resourceArn": _equal("ResourceArn"),
            "state": _state("State", "CREATED RUNNING COMPLETED FAILED PARTIAL"),
            "destinationVaultArn": _equal("DestinationBackupVaultArn"),
            "messageCategory": _category,
            "sourceRecoveryPointArn": _equal("SourceRecoveryPointArn"),
        },
    ),
    "/restore-jobs": (
        "RestoreJobs",
        _COMMON
        | {
            "status": _state("Status", "PENDING RUNNING COMPLETED ABORTED FAILED"),
            "restoreTestingPlanArn": lambda record, wanted: bool((record.get("CreatedBy") or {}).get("RestoreTestingPlanArn") == wanted),
        },
    ),
}
"""By path: the key of the answer, and the filters by their name in the query. nextToken, maxResults and accountId are common to all."""


@dataclass
class SecondBackup:
    """A running endpoint: its URL, what it serves, and the path and query of each request, in order."""

    url: str
    places: Mapping[tuple[str, str], Lists]
    page_size: int
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def answer(self, path: str, query: dict[str, str], authorization: str | None) -> Record:
        """The document of one page, or RefusedError."""
        account, region = _caller(authorization)
        if path not in OPERATIONS:
            raise RefusedError(404, "UnknownOperationException", f"No operation at {path}")
        key, filters = OPERATIONS[path]
        given = {name: value for name, value in query.items() if name not in {"nextToken", "maxResults", "accountId"}}
        if unknown := set(given) - set(filters):
            raise RefusedError(400, "InvalidParameterValueException", f"Unknown parameters: {', '.join(sorted(unknown))}")
        jobs = [record for record in self._jobs_of(account, region, query.get("accountId"), key) if all(filters[name](record, given[name]) for name in given)]
        return self._page(key, jobs, query, sha256(json.dumps([path, account, region, query.get("accountId"), given]).encode()).digest()[:9])

    def _jobs_of(self, account: str, region: str, wanted: str | None, key: str) -> Iterator[Record]:
        if wanted not in {None, account} and account != MANAGEMENT:
            raise RefusedError(403, "AccessDeniedException", "Only the management account may list the jobs of others")
        accounts = {owner for owner, _ in self.places} if wanted == "*" else {wanted or account}
        for place, lists in self.places.items():
            if place[0] in accounts and place[1] == region:
                yield from lists[key]

    def _page(self, key: str, jobs: Sequence[Record], query: dict[str, str], request: bytes) -> Record:
        start, number = _read_token(query["nextToken"], request) if "nextToken" in query else (0, 0)
        largest = int(query["maxResults"]) if query.get("maxResults", "1").isdigit() and "maxResults" in query else self.page_size
        if not 1 <= largest <= 1000:
            raise RefusedError(400, "InvalidParameterValueException", f"maxResults must be 1 to 1000: {largest}")
        end = start + (largest, max(1, largest // 2), 0)[number % 3]
        token = _write_token(end, number + 1, request) if end < len(jobs) else None
        return {"NextToken": token, key: jobs[start:end]}


def _caller(authorization: str | None) -> tuple[str, str]:
    """The account and Region of a request, by its signature's scope; an unsigned one is the management account's."""
    if authorization is None:
        return MANAGEMENT, REGION
    scope = _CREDENTIAL.search(authorization)
    if scope is None or scope["service"] != "backup":
        raise RefusedError(403, "IncompleteSignatureException", "No credential scope in the Authorization header")
    if scope["key"] == DENIED:
        raise RefusedError(403, "AccessDeniedException", "User: arn:aws:iam::111122223333:user/δ is not authorized to perform: backup:ListBackupJobs")
    if scope["key"] == EXPIRED:
        raise RefusedError(403, "ExpiredTokenException", "The security token included in the request is expired")
    if scope["region"] == DISABLED_REGION:
        raise RefusedError(403, "UnrecognizedClientException", "The security token included in the request is invalid.")
    return (scope["key"] if scope["key"] in {MANAGEMENT, OTHER} else MANAGEMENT), scope["region"]


def _write_token(start: int, number: int, request: bytes) -> str:
    # 0xFB and 0xFF make "+" and "/" of it, and the length "=".
    return b64encode(b"\xfb\xff" + request + f"{start}:{number:04}".encode() + b"\xff" * ((2 - len(str(start))) % 3)).decode()


def _read_token(text: str, request: bytes) -> tuple[int, int]:
    try:
        raw = b64decode(text, validate=True)
        if not raw.startswith(b"\xfb\xff" + request):
            raise ValueError(text)
        start, number = raw[2 + len(request) :].rstrip(b"\xff").decode().split(":")
        return int(start), int(number)
    except ValueError as error:
        raise RefusedError(400, "InvalidParameterValueException", f"Invalid token: {text}") from error


def _served(page: Record, number: int) -> bytes:
    """A page on the wire; each second one is UTF-8 without escapes. The first record of a page has a member that no model knows."""
    key = next(name for name in page if name != "NextToken")
    records = [({UNKNOWN_MEMBER: {"Deep": [1]}, **record} if not index else record) for index, record in enumerate(page[key])]
    return json.dumps({**page, key: records}, ensure_ascii=number % 2 == 0).encode()


@contextmanager
def serve_second_backup(*, seed: int = 7, count: int = 40, page_size: int = 9, certificate: Path | None = None) -> Iterator[SecondBackup]:
    """Serve `count` jobs of each list in each of `PLACES` on a free port until the block ends; over TLS with the certificate and key of a PEM file."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            parameters = dict(parse_qsl(query, keep_blank_values=True))
            served.asked.append((urlsplit(path).path.rstrip("/"), parameters))
            try:
                body = _served(served.answer(path.rstrip("/"), parameters, self.headers.get("Authorization")), len(served.asked))
                self._send(200, body, {})
            except RefusedError as error:
                told = {"Code": error.code, "Message": str(error), "Type": "Client", "Context": None}
                self._send(error.status, json.dumps(told).encode(), {"x-amzn-ErrorType": f"{error.code}:http://internal.amazon.com/coral/"})

        def _send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), "x-amzn-RequestId": "second-1", **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that has gone is no news."""

    with Server(("127.0.0.1", 0), Handler) as server:
        places = {place: lists_of(*place, seed=seed, count=count) for place in PLACES}
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        served = SecondBackup(f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_address[1]}", places, page_size)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield served
        finally:
            server.shutdown()
            thread.join()
