"""Serves one list of backup jobs a Region, as AWS does over a distance.

`python -m benchmarks.serving_regions JOBS LATENCY LIMIT` prints its URL and serves until its standard input ends. A Region is the one that a request is signed
for. Every page of 1,000 jobs comes LATENCY seconds after it was asked for. LIMIT is how many requests are answered in any second, of all Regions together
(0: as many as come); the others are refused at once with ThrottlingException. The jobs are of one account and of now, and nothing is wrong with them, so that a
check that passes has read every one.
"""

from __future__ import annotations

import json
import re
import sys
import threading
import time
from collections import deque
from datetime import UTC, datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from urllib.parse import parse_qs, urlsplit
from zlib import crc32

from policycheck.datasets import BACKUP_JOBS
from policycheck.emulator.estate import ACCOUNTS, IRELAND, PRODUCTION, REGIONS
from policycheck.emulator.organization import organization

PAGE = 1000
_ID, _REGION = "@id-of-a-job@", "@region@"
_PAGE = "@page@"
_SIGNED = re.compile(r"Credential=[^/]+/\d{8}/(?P<region>[a-z0-9-]+)/")
_REFUSAL = json.dumps({"__type": "ThrottlingException", "message": "Rate exceeded"}).encode()


def make_page(now: datetime) -> bytes:
    """The jobs of one page, with marks for the Region and in each id."""
    jobs = islice((job for place in organization(now, 1, healthy=True).backup_jobs.values() for job in place), PAGE)
    text = json.dumps([{**job, "BackupJobId": f"{_ID}{str(job['BackupJobId'])[len(_ID) :]}"} for job in jobs], separators=(",", ":"))
    for account in ACCOUNTS:
        text = text.replace(account, PRODUCTION)
    for region in REGIONS:
        text = text.replace(region, _REGION)
    return text.encode()


class Limit:
    """At most so many requests in any second."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken: deque[float] = deque()
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Whether a request that comes now is answered."""
        with self._lock:
            now = time.monotonic()
            while self._taken and self._taken[0] <= now - 1:
                self._taken.popleft()
            if self._most and len(self._taken) >= self._most:
                return False
            self._taken.append(now)
            return True


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    page: bytes
    pages: int
    latency: float
    limit: Limit

    def do_GET(self) -> None:
        if not self.limit.take():
            self._send(400, _REFUSAL)
            return
        arrived = time.monotonic()
        signed = _SIGNED.search(self.headers.get("Authorization", ""))
        number = int(parse_qs(urlsplit(self.path).query).get("nextToken", ["0"])[0])
        token = f',"NextToken":"{number + 1}"' if number + 1 < self.pages else ""
        jobs = _of_region(self.page, signed["region"] if signed else IRELAND).replace(_PAGE.encode(), f"{number:06}".encode())
        time.sleep(max(0.0, arrived + self.latency - time.monotonic()))
        self._send(200, b'{"%s":%s%s}' % (BACKUP_JOBS.result_key.encode(), jobs, token.encode()))

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        if status != 200:
            self.send_header("x-amzn-ErrorType", "ThrottlingException")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@cache
def _of_region(page: bytes, region: str) -> bytes:
    # No two Regions have a job of the same id, as in AWS.
    return page.replace(_ID.encode(), f"{crc32(region.encode()) % 10**7:07}{_PAGE}".encode()).replace(_REGION.encode(), region.encode())


class _Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


def main(jobs: int, latency: float, limit: int) -> None:
    """Serve a list of `jobs`, a whole number of pages, in every Region."""
    _Handler.page, _Handler.pages, _Handler.latency, _Handler.limit = make_page(datetime.now(UTC)), jobs // PAGE, latency, Limit(limit)
    with _Server(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
        sys.stdin.read()
        server.shutdown()
        thread.join()


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))
