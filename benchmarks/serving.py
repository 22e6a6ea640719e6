"""Serves one list of backup jobs, to be listed: `python -m benchmarks.serving JOBS` prints its URL and serves until its standard input ends.

`python -m benchmarks.serving JOBS ended` serves jobs that have all ended, and to a request for what was created after a time one page of others.

Pages hold 1,000 jobs, whatever a request asks for. One page is made beforehand, out of the sample organization; each request gets a copy of it with ids of its
own, so that a list of any length costs the server next to nothing, in time and in memory.
"""

from __future__ import annotations

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from urllib.parse import parse_qs, urlsplit

from benchmarks.jobs import AS_OF
from policycheck.datasets import BACKUP_JOBS
from policycheck.emulator.organization import organization

PAGE = 1000
_ID = "@page@"


_OF_A_DAY = 900_000
"""The number of a page that no list has."""
_CALLER = b"""<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
<Arn>arn:aws:iam::111122223333:user/benchmark</Arn><UserId>benchmark</UserId><Account>111122223333</Account>
</GetCallerIdentityResult></GetCallerIdentityResponse>"""


def make_page(*, ended: bool = False) -> bytes:
    """The jobs of one page, with a mark in each id that the number of the page replaces; times as AWS sends them.

    Args:
        ended: leave out those in progress.
    """
    every = (job for place in organization(AS_OF, 1).backup_jobs.values() for job in place)
    jobs = islice((job for job in every if not ended or job["State"] not in BACKUP_JOBS.in_progress), PAGE)
    return json.dumps([{**job, "BackupJobId": f"{_ID}{str(job['BackupJobId'])[len(_ID) :]}"} for job in jobs], separators=(",", ":")).encode()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    page: bytes
    pages: int
    ended: bool

    def do_GET(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        number = int(asked.get("nextToken", ["0"])[0])
        token = f',"NextToken":"{number + 1}"' if number + 1 < self.pages else ""
        if self.ended and "createdAfter" in asked:
            number, token = _OF_A_DAY, ""
        body = b'{"%s":%s%s}' % (BACKUP_JOBS.result_key.encode(), self.page.replace(_ID.encode(), f"{number:0{len(_ID)}}".encode()), token.encode())
        self._send(body, "application/json")

    def do_POST(self) -> None:
        """Whose credentials these are."""
        self._send(_CALLER, "text/xml")

    def _send(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


def main(count: int, *, ended: bool = False) -> None:
    """Serve a list of `count` jobs, a whole number of pages."""
    _Handler.page, _Handler.pages, _Handler.ended = make_page(ended=ended), count // PAGE, ended
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
        sys.stdin.read()
        server.shutdown()
        thread.join()


if __name__ == "__main__":
    main(int(sys.argv[1]), ended=sys.argv[2:] == ["ended"])
