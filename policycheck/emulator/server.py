"""The emulator as a server on 127.0.0.1, for the AWS CLI, for other processes and for any language.

One thread a connection, one request a connection. Requests for jobs go to the emulator's service; all others go to moto, which routes them as it does in a
process, so that STS, IAM and AWS Backup's vaults and plans answer too. What moto keeps lives until the last server in the process has stopped.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from urllib.parse import urlsplit

from policycheck.emulator.extra import require_moto
from policycheck.emulator.faults import FaultPlan
from policycheck.emulator.service import Asked, Ending, Reply, Service
from policycheck.emulator.store import Store
from policycheck.errors import UsageError

HOST = "127.0.0.1"
_LARGEST_BODY = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A running emulator."""

    url: str
    """http://127.0.0.1:PORT: the --endpoint-url of the AWS CLI, the endpoint_url of boto3."""
    service: Service

    @property
    def requests(self) -> list[Asked]:
        """What was asked so far, in the order it arrived."""
        return self.service.requests

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that point the AWS CLI and every SDK at it, as the management account; the credentials are no secret."""
        store = self.service.store
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": store.management,
            "AWS_SECRET_ACCESS_KEY": "emulator",
            "AWS_DEFAULT_REGION": store.default_region,
        }


@contextmanager
def serve(store: Store, *, port: int = 0, faults: Sequence[str] | FaultPlan = (), date_skew: timedelta = timedelta()) -> Iterator[Endpoint]:
    """Serve a store until the block ends; port 0 takes a free one.

    Answers that are still to come (latency) are given up at the end; no thread and no socket stays. Raises UsageError where moto is not installed, a fault is
    none, or the port cannot be had.
    """
    service = Service(store, faults, date_skew=date_skew)
    require_moto()
    from policycheck.emulator.backend import forward

    try:
        server = _Server(partial(forward, service), port)
    except (OSError, OverflowError) as error:
        raise UsageError(f"port {port} cannot be had: {error}", hint="--port 0 takes a free one") from error
    with _moto_state():
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, name="policycheck-emulator")
        thread.start()
        try:
            yield Endpoint(f"http://{HOST}:{server.server_address[1]}", service)
        finally:
            server.stop()
            thread.join()


_running = 0
_running_lock = Lock()


@contextmanager
def _moto_state() -> Iterator[None]:
    """moto's accounts, keys and vaults belong to the process: forget them with the last server, unless somebody mocks AWS at the time."""
    global _running  # noqa: PLW0603 - it counts the servers of the process, as moto's state is the process's
    from moto.core.base_backend import BackendDict
    from moto.core.models import botocore_stubber

    with _running_lock:
        _running += 1
    try:
        yield
    finally:
        with _running_lock:
            _running -= 1
            if not _running and not botocore_stubber.enabled:
                BackendDict.reset()


class _Server(ThreadingHTTPServer):
    # Joined when the server closes: no thread outlives it.
    daemon_threads = False
    # A port just left by another emulator may be taken at once; one that is in use may not.
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, forward: Callable[[str, str, Iterable[tuple[str, str]], bytes], Reply], port: int) -> None:
        self.forward = forward
        self.stopping = Event()
        self._open: set[socket.socket] = set()
        self._open_lock = Lock()
        super().__init__((HOST, port), _Handler)

    def process_request(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        if isinstance(request, socket.socket):
            with self._open_lock:
                self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        if isinstance(request, socket.socket):
            with self._open_lock:
                self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that has gone is no news."""

    def stop(self) -> None:
        """Stop accepting, wake whoever waits, and join every thread."""
        self.stopping.set()
        self.shutdown()
        with self._open_lock:
            for connection in self._open:
                # The client may have gone first.
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        self.close_connection = True
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > _LARGEST_BODY:
            self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE if length.isdecimal() else HTTPStatus.BAD_REQUEST)
            return
        body = self.rfile.read(int(length))
        # A proxy sends the whole URL.
        path = self.path if self.path.startswith("/") else urlsplit(self.path)._replace(scheme="", netloc="").geturl()
        reply = self.server.forward(self.command, path, self.headers.items(), body)
        if reply.delay and self.server.stopping.wait(reply.delay):
            return
        if reply.ending is not Ending.CLOSED:
            self._send(reply)

    do_GET = do_PUT = do_POST = do_DELETE = do_PATCH = do_HEAD = _answer

    def _send(self, reply: Reply) -> None:
        self.send_response_only(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        # A client that keeps no connection leaves no socket behind either.
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body[: len(reply.body) // 2] if reply.ending is Ending.CUT else reply.body)

    def log_message(self, format: str, *args: object) -> None:
        """The log is `Endpoint.requests`."""
