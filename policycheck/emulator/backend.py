"""moto extended: how the emulated operations hang in its AWS Backup service, and whose account a request is made from.

moto 5.2 has vaults, plans and reports, and no job at all; everything but the five operations stays moto's own. The account of a request is, in this order:
the header x-moto-account-id; an access key id that is a 12-digit account id; the account moto gave the key in (AssumeRole gives one in the role's account);
the management account of the store, which unsigned requests come from too. An unsigned request names no Region: it is answered where there is only one.

Imports moto and botocore: import this module only where they are needed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Event
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs

from botocore.awsrequest import AWSPreparedRequest, HTTPHeaders
from botocore.exceptions import ConnectionClosedError
from botocore.model import OperationNotFoundError
from moto.backup import urls as moto_urls
from moto.backup.models import BackupBackend
from moto.core.botocore_stubber import BotocoreStubber
from moto.core.parse import RequestParserError
from moto.core.request import Request
from moto.core.responses import BaseResponse
from moto.iam.models import iam_backends
from werkzeug.datastructures import Headers

from policycheck.datasets import VAULTS
from policycheck.emulator.errors import ApiError
from policycheck.emulator.regions import VERSION_2
from policycheck.emulator.service import Asked, Ending, Reply, Service
from policycheck.emulator.wire import arn_part

JOB_PATHS = tuple(f"/{jobs}-jobs{rest}" for jobs in ("backup", "copy", "restore") for rest in ("/?$", "/[^/]+/?$"))
"""What moto does not route: the lists and single jobs, as regular expressions of paths."""
HELD_PATHS = ("/resources/?$", "/backup-vaults/[^/]+/recovery-points/?$")
"""Likewise the lists of protected resources and recovery points,"""
VAULTS_PATH = "/backup-vaults/?$"
"""and the list of vaults, which moto has: where the store has vaults they are listed, else those that were created in moto."""

_CREDENTIAL = re.compile(r"Credential=(?P<key>[^/,\s]+)/\d{8}/(?P<region>[a-z0-9-]+)/(?P<service>[a-z0-9.-]+)/aws4_request")
_ACCOUNT_HEADER = "x-moto-account-id"
_TOKEN_HEADER = "X-Amz-Security-Token"
_LIST_REGIONS = "/listRegions"
_ORGANIZATIONS = {f"AWSOrganizationsV20161128.{operation}": operation for operation in ("DescribeOrganization", "ListAccounts")}
_TOKENS_OF_MOTO = "FQoGZXIvYXdz"
"""How moto's session tokens begin; the emulator's are those of a regional endpoint of STS."""
_JOB_PATH = re.compile("|".join((*JOB_PATHS, *HELD_PATHS)))
_CONNECTION_HEADERS = frozenset({"connection", "content-length", "date", "status", "transfer-encoding"})
_STUBBER = BotocoreStubber()
"""moto's routing of a request to a service; this one is never hooked into botocore."""


@dataclass(frozen=True, slots=True)
class Credential:
    """Who signed a request, and for what, by its Authorization header; each "" in an unsigned one."""

    key: str = ""
    region: str = ""
    service: str = ""

    @classmethod
    def of(cls, headers: Headers) -> Credential:
        found = _CREDENTIAL.search(headers.get("Authorization", ""))
        return cls(**found.groupdict()) if found else cls()


def account_of(headers: Headers, management: str) -> str:
    """The account a request is made from: see the module."""
    key = Credential.of(headers).key
    if given := headers.get(_ACCOUNT_HEADER):
        return given
    if re.fullmatch(r"\d{12}", key):
        return key
    # Copies, because moto adds accounts and partitions while others look.
    for account, partitions in list(iam_backends.items()):
        if any(key in backend.access_keys for backend in list(partitions.values())):
            return account
    return management


class JobsResponse(BaseResponse):
    """One request for an emulated operation: moto parses it, the service answers it."""

    def __init__(self, service: Service) -> None:
        super().__init__("backup")
        self.automated_parameter_parsing = True
        self._service = service

    def get_current_account(self) -> str:
        return account_of(self.headers, self._service.store.management)

    def reply(self, request: Request) -> Reply:
        """The answer; InvalidParameterValueException for parameters that are of another type than the model's."""
        try:
            self.setup_class(request)
            operation = self._get_action()
        except (ValueError, AttributeError, RequestParserError, OperationNotFoundError) as error:
            return Reply.of_error(ApiError.invalid(f"The request cannot be read: {error}"))
        if not operation:
            return Reply.of_error(ApiError("UnknownOperationException", f"{request.method} {request.path} is no operation of AWS Backup", 404))
        parameters = {name: _aware(value) for name, value in self.params.items()}
        token = self.headers.get(_TOKEN_HEADER, "")
        return self._service.answer(Asked(operation, parameters, self.current_account, self.region, token))


def backend_type(service: Service) -> type[BackupBackend]:
    """moto's AWS Backup backend, with the job operations of a service routed as well."""

    def answer_jobs(request: Request, _url: str, _headers: object) -> tuple[int, dict[str, str], bytes]:
        reply = JobsResponse(service).reply(request)
        if reply.delay:
            Event().wait(reply.delay)
        if reply.ending is Ending.CLOSED:
            raise ConnectionClosedError(endpoint_url=request.base_url)
        # There is no connection to cut in a process: what the client sees is what arrived.
        body = reply.body[: len(reply.body) // 2] if reply.ending is Ending.CUT else reply.body
        return reply.status, dict(reply.headers), body

    def answer_vaults(moto: Callable[..., Any]) -> Callable[..., Any]:
        def answer(request: Request, url: str, headers: object) -> Any:
            return answer_jobs(request, url, headers) if service.store.holds(VAULTS.name) else moto(request, url, headers)

        return answer

    urls = SimpleNamespace(
        url_bases=moto_urls.url_bases,
        url_paths={
            **moto_urls.url_paths,
            **{"{0}" + path: answer_jobs for path in (*JOB_PATHS, *HELD_PATHS)},
            **{pattern: answer_vaults(moto) for pattern, moto in moto_urls.url_paths.items() if pattern.rstrip("$").rstrip("?").endswith("/backup-vaults/")},
        },
    )

    class JobsBackend(BackupBackend):
        """moto's backend and the paths of jobs."""

        @property
        def _url_module(self) -> SimpleNamespace:
            return urls

    return JobsBackend


def forward(service: Service, method: str, path: str, received: Iterable[tuple[str, str]], body: bytes) -> Reply:
    """Answer a request that came to a server: `path` with its query. Which AWS service and Region it is for, its signature tells."""
    headers = Headers(list(received))
    credential = Credential.of(headers)
    form = parse_qs(body.decode("utf-8", "replace")) if "form-urlencoded" in headers.get("Content-Type", "") else {}
    name = credential.service or ("sts" if form else "backup")
    region = credential.region or service.store.default_region
    account = account_of(headers, service.store.management)
    host = f"{name}.{region}.amazonaws.com"
    passed = {**{key: value for key, value in headers.items() if key.lower() != "host"}, "Host": host, _ACCOUNT_HEADER: account}
    url = f"https://{host}{path}"
    if not credential.region and not form and len(service.store.regions) > 1:
        # Any answer would be a guess at the Region, and jobs of one Region must never pass for another's.
        return Reply.of_error(ApiError("MissingAuthenticationTokenException", "An unsigned request names no Region, and the emulator has several", 403))
    asked_path = path.partition("?")[0]
    lists_vaults = method == "GET" and re.fullmatch(VAULTS_PATH, asked_path) and service.store.holds(VAULTS.name)
    if name == "backup" and (lists_vaults or _JOB_PATH.fullmatch(asked_path)):
        return JobsResponse(service).reply(Request.from_primitives(method, url, passed, body))
    if name == "account" and path == _LIST_REGIONS:
        return service.answer(Asked("ListRegions", _json_parameters(body), account, region))
    if name == "organizations" and (target := _ORGANIZATIONS.get(headers.get("X-Amz-Target", ""))):
        return service.answer(Asked(target, _json_parameters(body), account, region))
    operation = form.get("Action", [f"{method} {path}"])[0]
    role = form.get("RoleArn", [""])[0]
    asked = Asked(operation, {}, account, region)
    return service.respond(asked, lambda _: _ask_moto(method, url, passed, body), xml=bool(form), place=arn_part(role, 4))


def _ask_moto(method: str, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
    try:
        answer = _STUBBER.process_request(AWSPreparedRequest(method, url, HTTPHeaders.from_dict(headers), body, False))
    # Whatever moto cannot do, it says by exceptions of many kinds.
    except Exception as error:
        answer = (501, {}, f"moto cannot answer {method} {url}: {type(error).__name__}: {error}")
    status, answered, content = answer or (501, {}, f"moto knows no service at {url}")
    if isinstance(content, str):
        content = content.replace(f"<SessionToken>{_TOKENS_OF_MOTO}", f"<SessionToken>{VERSION_2}b3JpZ2lu")
    kept = {name: str(value) for name, value in answered.items() if name.lower() not in _CONNECTION_HEADERS}
    return Reply(int(status), content.encode() if isinstance(content, str) else bytes(content), kept)


def _json_parameters(body: bytes) -> Mapping[str, object]:
    try:
        value = json.loads(body or b"{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _aware(value: object) -> object:
    """moto parses times as naive UTC."""
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
