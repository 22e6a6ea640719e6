"""Faults on request: what goes wrong, in which operation, at which request.

A fault is written OPERATION[@PLACE]:REQUESTS=KIND[:ARGUMENT...], for instance

    ListBackupJobs:3=truncated                  the third request
    ListBackupJobs:2-4=throttling               the second to the fourth
    ListBackupJobs:5-=500                       the fifth and all after it
    *:*=latency:0.2                             every request of every operation
    ListBackupJobs@444455556666/eu-west-1:1=denied   the first one of that account in that Region
    AssumeRole@444455556666:*=denied            taking on any role of that account

PLACE is an account, a Region, or account/Region; of AssumeRole the account is that of the role. Each fault counts for itself the requests that match its
operation and place, from 1; a retry is a request.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from threading import Lock
from types import MappingProxyType

from policycheck.datasets import DATASETS
from policycheck.emulator.errors import ApiError
from policycheck.errors import UsageError

LISTS = frozenset(dataset.operation for dataset in DATASETS.values())
JOB_OPERATIONS = LISTS | {"DescribeBackupJob", "StartBackupJob"}
SERVICES = {"AssumeRole": "sts", "GetCallerIdentity": "sts", "ListRegions": "account", "DescribeOrganization": "organizations", "ListAccounts": "organizations"}
"""The service prefix of each other operation a fault may name."""
OPERATIONS = JOB_OPERATIONS | set(SERVICES)
"""The operations a fault may name; `*` is every request of any."""


class Kind(StrEnum):
    """What goes wrong. The members' docs are in `EXPLANATIONS`."""

    THROTTLING = "throttling"
    TOO_MANY = "429"
    INTERNAL = "500"
    UNAVAILABLE = "503"
    DENIED = "denied"
    EXPIRED = "expired"
    DISABLED = "disabled"
    SHORT = "short"
    EMPTY = "empty"
    REPEAT = "repeat"
    TRUNCATED = "truncated"
    HTML = "html"
    CUT = "cut"
    CLOSED = "closed"
    LATENCY = "latency"
    ADVANCE = "advance"
    CHANGE = "change"


EXPLANATIONS: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.THROTTLING: "ThrottlingException, status 400: too many requests, as AWS Backup says it",
        Kind.TOO_MANY: "TooManyRequestsException, status 429",
        Kind.INTERNAL: "InternalFailure, status 500",
        Kind.UNAVAILABLE: "ServiceUnavailableException, status 503",
        Kind.DENIED: "AccessDeniedException, status 403",
        Kind.EXPIRED: "ExpiredTokenException, status 403: the session has ended",
        Kind.DISABLED: "UnrecognizedClientException, status 403: the Region is not enabled in the account",
        Kind.SHORT: "a page of N jobs (half a page if no N is given) that carries a token, even where no job follows it",
        Kind.EMPTY: "a page without jobs that carries a token; the jobs come with the next page",
        Kind.REPEAT: "the token that was sent comes back; on the first request, one that leads to the same page again",
        Kind.TRUNCATED: "status 200 and half the body, with a Content-Length that agrees",
        Kind.HTML: "status 200 and an HTML page, as a proxy answers",
        Kind.CUT: "status 200 and half the body; the connection closes before Content-Length is reached",
        Kind.CLOSED: "the connection closes without an answer",
        Kind.LATENCY: "the answer comes SECONDS later",
        Kind.ADVANCE: "the emulator's clock moves SECONDS ahead before the answer: started jobs run and end",
        Kind.CHANGE: "jobs of that account and Region in state FROM are in state TO before the answer",
    }
)

_PAGES = frozenset({Kind.SHORT, Kind.EMPTY, Kind.REPEAT, Kind.CHANGE})
_ERRORS: Mapping[Kind, tuple[str, int, str]] = MappingProxyType(
    {
        Kind.THROTTLING: ("ThrottlingException", 400, "Rate exceeded"),
        Kind.TOO_MANY: ("TooManyRequestsException", 429, "Too Many Requests"),
        Kind.INTERNAL: ("InternalFailure", 500, "The request processing has failed because of an unknown error, exception or failure."),
        Kind.UNAVAILABLE: ("ServiceUnavailableException", 503, "The request failed due to a temporary failure of the server."),
        Kind.DENIED: ("AccessDeniedException", 403, "User: arn:aws:iam::{account}:user/emulator is not authorized to perform: {action}"),
        Kind.EXPIRED: ("ExpiredTokenException", 403, "The security token included in the request is expired"),
        Kind.DISABLED: ("UnrecognizedClientException", 403, "The security token included in the request is invalid."),
    }
)
_SECONDS = frozenset({Kind.LATENCY, Kind.ADVANCE})
_HINT = "a fault is OPERATION[@PLACE]:REQUESTS=KIND[:ARGUMENT], for instance ListBackupJobs:3=truncated"
_SPEC = re.compile(r"(?P<operation>\*|\w+)(@(?P<place>[a-z0-9-]+(/[a-z0-9-]+)?))?:(?P<requests>[0-9*,-]+)=(?P<kind>[a-z0-9]+)(:(?P<arguments>[^\s]+))?")
_REQUESTS = re.compile(r"(?P<first>[1-9][0-9]*)(?P<range>-(?P<last>[1-9][0-9]*)?)?")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong: see the module for how it is written."""

    operation: str
    account: str
    region: str
    requests: tuple[tuple[int, int | None], ...]
    """The numbers, as ranges: first and last, None for no end."""
    kind: Kind
    arguments: tuple[str, ...] = ()

    @classmethod
    def parse(cls, spec: str) -> Fault:
        """Read a fault. Raises UsageError, which says what may stand where."""
        found = _SPEC.fullmatch(spec)
        if found is None:
            raise UsageError(f"not a fault: {spec!r}", hint=_HINT)
        operation, kind = found["operation"], found["kind"]
        if operation not in OPERATIONS | {"*"}:
            raise UsageError(f"fault {spec!r}: the emulator has no operation {operation}", hint=f"use *, {', '.join(sorted(OPERATIONS))}")
        if kind not in set(Kind):
            raise UsageError(f"fault {spec!r}: no fault is called {kind}", hint=f"use one of {', '.join(Kind)}")
        if Kind(kind) in _PAGES and operation not in LISTS | {"*"}:
            raise UsageError(f"fault {spec!r}: {operation} has no pages", hint=f"{kind} is for {', '.join(sorted(LISTS))}")
        account, region = _place(found["place"] or "")
        arguments = tuple((found["arguments"] or "").split(":")) if found["arguments"] else ()
        _check_arguments(spec, Kind(kind), arguments)
        return cls(operation, account, region, _ranges(spec, found["requests"]), Kind(kind), arguments)

    @property
    def number(self) -> float:
        """The first argument as a number: seconds, or jobs; 0 where there is none."""
        return float(self.arguments[0]) if self.arguments else 0

    def matches(self, operation: str, account: str, region: str) -> bool:
        """Whether a request counts for this fault."""
        if self.kind in _PAGES and operation not in LISTS:
            return False
        return self.operation in ("*", operation) and self.account in ("", account) and self.region in ("", region)

    def falls_on(self, number: int) -> bool:
        """Whether the matching request of this number goes wrong."""
        return any(first <= number and (last is None or number <= last) for first, last in self.requests)

    def error(self, action: str, account: str) -> ApiError | None:
        """The refusal of a fault that is one. `action` is as IAM writes it: backup:ListBackupJobs."""
        if self.kind not in _ERRORS:
            return None
        code, status, message = _ERRORS[self.kind]
        return ApiError(code, message.format(account=account, action=action), status)


class FaultPlan:
    """The faults of an emulator, and how many requests each has seen. Safe to use from several threads."""

    def __init__(self, faults: Iterable[Fault | str] = ()) -> None:
        self._faults = tuple(Fault.parse(fault) if isinstance(fault, str) else fault for fault in faults)
        self._seen = [0] * len(self._faults)
        self._lock = Lock()

    @classmethod
    def of(cls, faults: Sequence[str] | FaultPlan) -> FaultPlan:
        """The plan itself, or one of specs. Raises UsageError for a spec that is none."""
        return faults if isinstance(faults, FaultPlan) else cls(faults)

    def next(self, operation: str, account: str, region: str) -> tuple[Fault, ...]:
        """Count a request and tell what goes wrong with it, in the order of the plan."""
        due: list[Fault] = []
        with self._lock:
            for index, fault in enumerate(self._faults):
                if fault.matches(operation, account, region):
                    self._seen[index] += 1
                    if fault.falls_on(self._seen[index]):
                        due.append(fault)
        return tuple(due)


def _place(text: str) -> tuple[str, str]:
    """Account and Region, each "" where not named: an account is 12 digits."""
    first, _, second = text.partition("/")
    return (first, second) if first.isdecimal() else ("", first)


def _ranges(spec: str, text: str) -> tuple[tuple[int, int | None], ...]:
    if text == "*":
        return ((1, None),)
    ranges: list[tuple[int, int | None]] = []
    for part in text.split(","):
        found = _REQUESTS.fullmatch(part)
        first, last = (int(found["first"]), found["last"]) if found else (0, None)
        if found is None or (last is not None and int(last) < first):
            raise UsageError(f"fault {spec!r}: {part!r} names no request", hint="requests count from 1: 3, 2-4, 5-, 1,3 or *")
        ranges.append((first, None if found["range"] and last is None else int(last or first)))
    return tuple(ranges)


def _check_arguments(spec: str, kind: Kind, arguments: tuple[str, ...]) -> None:
    text, right, wanted = ":".join(arguments), not arguments, f"{kind} takes no argument"
    if kind in _SECONDS:
        right, wanted = bool(re.fullmatch(r"[0-9]+(\.[0-9]+)?", text)), f"{kind} takes seconds: {kind}:0.5"
    elif kind is Kind.SHORT:
        right, wanted = not arguments or bool(re.fullmatch(r"[1-9][0-9]{0,3}", text)), "short takes a number of jobs: short:1"
    elif kind is Kind.CHANGE:
        states = {state for dataset in DATASETS.values() for state in dataset.named_states}
        right, wanted = len(arguments) == 2 and set(arguments) <= states, "change takes two states: change:RUNNING:COMPLETED"
    if not right:
        raise UsageError(f"fault {spec!r}: {wanted}")
