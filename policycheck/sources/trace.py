"""`--debug`: what is sent and answered, a line each. Lines are put together here from what holds no credential: headers and signatures are never looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from policycheck.sources.aws_errors import scrub
from policycheck.text import clean_line

Say = Callable[[str], None]


def trace(client: Any, say: Say) -> None:
    """Have a botocore client for AWS Backup tell of each request, answer and retry; call it before the client is guarded."""
    began = [0.0]

    def before_call(model: Any = None, params: Any = None, **_: object) -> None:
        names = ", ".join(f"{name}={scrub(value)}" for name, value in sorted(((params or {}).get("query_string") or {}).items()) if name != "nextToken")
        say(f"debug: {model.name}({names})")

    def before_send(request: Any = None, **_: object) -> None:
        parts = urlsplit(request.url)
        began[0] = monotonic()
        say(f"debug: {request.method} {parts.scheme}://{scrub(parts.netloc.rpartition('@')[2])}{scrub(parts.path)}")

    def received(response: Any = None, caught_exception: Exception | None = None, attempts: int = 0, **_: object) -> None:
        took = f"{monotonic() - began[0]:.3f} s"
        if caught_exception is not None or response is None:
            say(f"debug: attempt {attempts}: {type(caught_exception).__name__} after {took}")
            return
        raw, parsed = response
        headers: Mapping[str, str] = getattr(raw, "headers", {})
        code = parsed.get("Error", {}).get("Code", "") if isinstance(parsed, dict) else ""
        tail = f" {clean_line(str(code))}" if code else ""
        request_id = scrub(headers.get("x-amzn-requestid", "")) or "none"
        say(f"debug: attempt {attempts}: status {getattr(raw, 'status_code', '?')}{tail}, {len(raw.content):,} bytes in {took}, request id {request_id}")

    events = client.meta.events
    events.register("before-call.backup", before_call)
    events.register("before-send.backup", before_send)
    events.register_first("needs-retry.backup", received)
