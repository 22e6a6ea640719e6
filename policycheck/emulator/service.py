"""The emulated operations: a request in, an answer out, with whatever is to go wrong; pure, below both the mock and the server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email.utils import format_datetime
from enum import Enum, auto
from threading import Lock
from types import MappingProxyType
from typing import Any, assert_never
from uuid import NAMESPACE_URL, uuid5

from policycheck.datasets import DATASETS, Dataset
from policycheck.emulator import members
from policycheck.emulator.errors import ApiError
from policycheck.emulator.faults import JOB_OPERATIONS, SERVICES, Fault, FaultPlan, Kind
from policycheck.emulator.paging import Position, binding, decode, encode
from policycheck.emulator.regions import knows, statuses
from policycheck.emulator.store import LARGEST_PAGE, Store

_LISTS: Mapping[str, Dataset] = MappingProxyType({dataset.operation: dataset for dataset in DATASETS.values()})
_MOST_REGIONS = 50
"""The most Regions a page of ListRegions may hold (API reference: MaxResults)."""
_HTML = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body><h1>Sign in to the network</h1></body></html>"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as the emulator understood it: the operation, its parameters by their API names, the caller's account, and the Region.

    Parameters of operations that are moto's own are empty.
    """

    operation: str
    parameters: Mapping[str, object]
    account: str
    region: str
    token: str = ""
    """The session token that signed it."""


class Ending(Enum):
    """How the connection ends."""

    WHOLE = auto()
    CUT = auto()
    """Half the body, then nothing."""
    CLOSED = auto()
    """Not a byte."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, and how it is sent: `delay` in seconds."""

    status: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    ending: Ending = Ending.WHOLE
    delay: float = 0

    @classmethod
    def of_json(cls, body: str) -> Reply:
        return cls(200, body.encode(), {"Content-Type": "application/json"})

    @classmethod
    def of_error(cls, error: ApiError, *, xml: bool = False) -> Reply:
        if xml:
            return cls(error.status, error.as_xml(), {"Content-Type": "text/xml"})
        return cls(error.status, error.as_json(), {"Content-Type": "application/json", "x-amzn-ErrorType": error.code})


@dataclass(frozen=True, slots=True)
class _Shape:
    """How a page departs from what was asked."""

    short: int | None = None
    """At most so many jobs; 0 for half a page."""
    empty: bool = False
    repeat: bool = False

    @classmethod
    def of(cls, faults: Iterable[Fault]) -> _Shape:
        shape = cls()
        for fault in faults:
            match fault.kind:
                case Kind.SHORT:
                    shape = replace(shape, short=int(fault.number))
                case Kind.EMPTY:
                    shape = replace(shape, empty=True)
                case Kind.REPEAT:
                    shape = replace(shape, repeat=True)
                case _:
                    pass
        return shape

    def limit(self, asked: int) -> int:
        return asked if self.short is None else min(self.short or max(asked // 2, 1), asked)


class Service:
    """A store, the faults of its emulator, and what it was asked. `date_skew` is how far the Date header is off the store's clock."""

    def __init__(self, store: Store, faults: Sequence[str] | FaultPlan = (), *, date_skew: timedelta = timedelta()) -> None:
        self.store = store
        self.faults = FaultPlan.of(faults)
        self.date_skew = date_skew
        self._requests: list[Asked] = []
        self._lock = Lock()

    @property
    def requests(self) -> list[Asked]:
        """What was asked so far, in the order it arrived; a copy."""
        with self._lock:
            return list(self._requests)

    @property
    def date(self) -> str:
        """The Date header: the store's clock, and the skew."""
        return format_datetime(self.store.clock.now() + self.date_skew, usegmt=True)

    def answer(self, asked: Asked) -> Reply:
        """Answer one of the emulated operations: those of jobs (`faults.JOB_OPERATIONS`), ListRegions, DescribeOrganization and ListAccounts."""
        return self.respond(asked, lambda faults: self._perform(asked, faults))

    def respond(self, asked: Asked, perform: Callable[[Sequence[Fault]], Reply], *, xml: bool = False, place: str = "") -> Reply:
        """Answer any operation: `perform` does what is to be done if no fault refuses it. `place` is the account faults go by, the caller's if not given."""
        with self._lock:
            self._requests.append(asked)
            request_id = str(uuid5(NAMESPACE_URL, f"request/{len(self._requests)}"))
        faults = self.faults.next(asked.operation, place or asked.account, asked.region)
        for fault in faults:
            self._prepare(fault, asked)
        action = f"{SERVICES.get(asked.operation, 'sts' if xml else 'backup')}:{asked.operation}"
        errors = (fault.error(action, asked.account) for fault in faults)
        error = next(filter(None, errors), None)
        reply = Reply.of_error(error, xml=xml) if error else perform(faults)
        for fault in faults:
            reply = _damage(reply, fault)
        return replace(reply, headers={**reply.headers, "Date": self.date, "x-amzn-RequestId": request_id})

    def _prepare(self, fault: Fault, asked: Asked) -> None:
        if fault.kind is Kind.ADVANCE:
            self.store.clock.advance(timedelta(seconds=fault.number))
        elif fault.kind is Kind.CHANGE:
            before, after = fault.arguments
            self.store.change_state(asked.account, asked.region, _LISTS[asked.operation], before, after)

    def _perform(self, asked: Asked, faults: Sequence[Fault]) -> Reply:
        try:
            if asked.operation == "ListRegions":
                return Reply.of_json(self._regions(asked.parameters))
            if asked.operation == "DescribeOrganization":
                return Reply.of_json(members.describe(asked.account, self.store.management, self.store.members))
            if asked.operation == "ListAccounts":
                return Reply.of_json(members.page(asked.account, self.store.management, self.store.members, asked.parameters))
            if not knows(asked.region, asked.token, self.store.disabled_regions):
                raise ApiError("UnrecognizedClientException", "The security token included in the request is invalid.", 403)
            if asked.operation in _LISTS:
                return Reply.of_json(self._list(asked, _Shape.of(faults)))
            if asked.operation == "DescribeBackupJob":
                return Reply.of_json(json.dumps(self.store.describe(asked.account, asked.region, str(asked.parameters.get("BackupJobId")))))
            if asked.operation == "StartBackupJob":
                return Reply.of_json(json.dumps(self.store.start(asked.account, asked.region, asked.parameters)))
            raise ApiError("NotImplemented", f"the emulator knows {', '.join(sorted(JOB_OPERATIONS))}, not {asked.operation}", 501)
        except ApiError as error:
            return Reply.of_error(error)

    def _regions(self, parameters: Mapping[str, object]) -> str:
        known = list(statuses(self.store.disabled_regions).items())
        token, limit = parameters.get("NextToken"), parameters.get("MaxResults", _MOST_REGIONS)
        first = int(token) if isinstance(token, str) and token.isdecimal() else 0
        last = first + (limit if isinstance(limit, int) and 1 <= limit <= _MOST_REGIONS else _MOST_REGIONS)
        page: dict[str, object] = {"Regions": [{"RegionName": name, "RegionOptStatus": status} for name, status in known[first:last]]}
        return json.dumps(page | ({"NextToken": str(last)} if last < len(known) else {}))

    def _list(self, asked: Asked, shape: _Shape) -> str:
        dataset, parameters = _LISTS[asked.operation], asked.parameters
        bound_to = binding(asked.operation, asked.account, asked.region, parameters)
        token = parameters.get("NextToken")
        here = Position() if token is None else decode(str(token), bound_to)
        limit = shape.limit(_limit(parameters.get("MaxResults"), self.store.page_size))
        page = self.store.page(dataset, asked.account, asked.region, parameters, after=here.after, limit=limit)
        records = () if shape.empty else page.records
        following: Position | None = None
        if shape.repeat:
            following = here if token is not None else Position(turn=1)
        elif shape.empty:
            following = Position(here.after, here.turn + 1)
        elif page.more or (shape.short is not None and records):
            following = Position(records[-1].key)
        tail = "" if following is None else f',"NextToken":"{encode(following, bound_to)}"'
        return f'{{"{dataset.result_key}":[{",".join(record.text for record in records)}]{tail}}}'


def _limit(given: object, default: int) -> int:
    if given is None:
        return default
    if not isinstance(given, int) or not 1 <= given <= LARGEST_PAGE:
        raise ApiError.invalid(f"Invalid value for maxResults: {given} is not between 1 and {LARGEST_PAGE}")
    return given


def _damage(reply: Reply, fault: Fault) -> Reply:
    changes: dict[str, Any] = {}
    match fault.kind:
        case Kind.LATENCY:
            changes = {"delay": reply.delay + fault.number}
        case Kind.TRUNCATED:
            changes = {"body": reply.body[: len(reply.body) // 2]}
        case Kind.HTML:
            changes = {"status": 200, "body": _HTML, "headers": {"Content-Type": "text/html"}}
        case Kind.CUT:
            changes = {"ending": Ending.CUT}
        case Kind.CLOSED:
            changes = {"ending": Ending.CLOSED}
        case Kind.THROTTLING | Kind.TOO_MANY | Kind.INTERNAL | Kind.UNAVAILABLE | Kind.DENIED | Kind.EXPIRED | Kind.DISABLED:
            pass
        case Kind.SHORT | Kind.EMPTY | Kind.REPEAT | Kind.ADVANCE | Kind.CHANGE:
            pass
        case _:
            assert_never(fault.kind)
    return replace(reply, **changes)
