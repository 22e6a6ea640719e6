"""The emulator as a server: what boto3 experiences over a real connection, fault by fault."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, PaginationError, ReadTimeoutError

from policycheck.emulator.faults import FaultPlan, Kind
from policycheck.emulator.server import serve
from policycheck.emulator.store import Store
from policycheck.errors import UsageError
from tests.emulator.jobs import MANAGEMENT, MEMBER, NOW, REGION, ClientOf, job, jobs


@pytest.fixture
def store(store: Store) -> Store:
    store.add(MANAGEMENT, REGION, "backup_jobs", jobs(10))
    return store


def paged(client: Any, **parameters: Any) -> list[int | None]:
    """How many jobs came with each page; None for a page without its list."""
    pages = client.get_paginator("list_backup_jobs").paginate(PaginationConfig={"PageSize": 4}, **parameters)
    return [len(page["BackupJobs"]) if "BackupJobs" in page else None for page in pages]


def test_a_list_arrives_whole(store: Store, client_of: ClientOf) -> None:
    with serve(store) as endpoint:
        assert paged(client_of(endpoint.url)) == [4, 4, 2]
    assert [(asked.operation, asked.account, asked.region) for asked in endpoint.requests] == [("ListBackupJobs", MANAGEMENT, REGION)] * 3
    assert endpoint.requests[0].parameters == {"MaxResults": 4}


REFUSALS = [
    (Kind.THROTTLING, 400, "ThrottlingException"),
    (Kind.TOO_MANY, 429, "TooManyRequestsException"),
    (Kind.INTERNAL, 500, "InternalFailure"),
    (Kind.UNAVAILABLE, 503, "ServiceUnavailableException"),
    (Kind.DENIED, 403, "AccessDeniedException"),
    (Kind.EXPIRED, 403, "ExpiredTokenException"),
    (Kind.DISABLED, 403, "UnrecognizedClientException"),
]


@pytest.mark.parametrize(("fault", "status", "code"), REFUSALS)
def test_a_refusal_is_a_client_error_of_its_code_and_status(store: Store, client_of: ClientOf, fault: Kind, status: int, code: str) -> None:
    with serve(store, faults=[f"ListBackupJobs:2={fault}"]) as endpoint, pytest.raises(ClientError) as caught:
        paged(client_of(endpoint.url))
    assert caught.value.response["Error"]["Code"] == code
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert len(endpoint.requests) == 2


@pytest.mark.parametrize(
    ("fault", "pages"),
    [
        ("ListBackupJobs:2=short:1", [4, 1, 4, 1]),
        ("ListBackupJobs:1=short", [2, 4, 4]),
        ("ListBackupJobs:*=short:3", [3, 3, 3, 1, 0]),
        ("ListBackupJobs:3=short:4", [4, 4, 2, 0]),
        ("ListBackupJobs:1=empty", [0, 4, 4, 2]),
        ("ListBackupJobs:2-4=empty", [4, 0, 0, 0, 4, 2]),
    ],
)
def test_short_and_empty_pages_lose_no_job(store: Store, client_of: ClientOf, fault: str, pages: list[int]) -> None:
    with serve(store, faults=[fault]) as endpoint:
        assert paged(client_of(endpoint.url)) == pages


@pytest.mark.parametrize("fault", ["ListBackupJobs:2=repeat", "ListBackupJobs:1-2=repeat"])
def test_a_repeated_token_stops_the_paginator_with_an_error(store: Store, client_of: ClientOf, fault: str) -> None:
    with serve(store, faults=[fault]) as endpoint, pytest.raises(PaginationError):
        paged(client_of(endpoint.url))


@pytest.mark.parametrize("fault", [Kind.TRUNCATED, Kind.HTML])
def test_a_damaged_body_ends_the_list_early_without_an_error(store: Store, client_of: ClientOf, fault: Kind) -> None:
    """What botocore makes of it, and why a client must look for the list in every page."""
    with serve(store, faults=[f"ListBackupJobs:2={fault}"]) as endpoint:
        assert paged(client_of(endpoint.url)) == [4, None]


def test_a_cut_connection_ends_before_content_length(store: Store) -> None:
    with serve(store, faults=["ListBackupJobs:1=cut"]) as endpoint:
        connection = http.client.HTTPConnection(urlsplit(endpoint.url).netloc)
        connection.request("GET", "/backup-jobs/")
        answer = connection.getresponse()
        with pytest.raises(http.client.IncompleteRead) as caught:
            answer.read()
        connection.close()
    assert len(caught.value.partial) == int(answer.headers["Content-Length"]) // 2


def test_a_cut_connection_gives_the_client_no_list(store: Store, client_of: ClientOf) -> None:
    with serve(store, faults=["ListBackupJobs:2=cut"]) as endpoint:
        assert paged(client_of(endpoint.url)) == [4, None]


def test_a_closed_connection_is_a_connection_error(store: Store, client_of: ClientOf) -> None:
    with serve(store, faults=["ListBackupJobs:1=closed"]) as endpoint, pytest.raises(ConnectionClosedError):
        paged(client_of(endpoint.url))


def test_an_answer_that_is_late_times_out_and_does_not_hold_up_the_end(store: Store, client_of: ClientOf) -> None:
    with serve(store, faults=["ListBackupJobs:1=latency:600"]) as endpoint, pytest.raises(ReadTimeoutError):
        paged(client_of(endpoint.url, read_timeout=0.1))


def test_a_little_latency_delays_the_whole_answer_only(store: Store, client_of: ClientOf) -> None:
    with serve(store, faults=["*:*=latency:0.01"]) as endpoint:
        assert paged(client_of(endpoint.url)) == [4, 4, 2]


def test_the_clock_can_move_between_requests(store: Store, client_of: ClientOf) -> None:
    with serve(store, faults=["DescribeBackupJob:2=advance:5", "DescribeBackupJob:3=advance:55"]) as endpoint:
        client = client_of(endpoint.url)
        started = client.start_backup_job(
            BackupVaultName="prod", ResourceArn=f"arn:aws:ec2:{REGION}:{MANAGEMENT}:volume/v", IamRoleArn=f"arn:aws:iam::{MANAGEMENT}:role/r"
        )
        states = [client.describe_backup_job(BackupJobId=started["BackupJobId"])["State"] for _ in range(3)]
    assert states == ["CREATED", "RUNNING", "COMPLETED"]


def test_jobs_that_change_state_between_pages_are_missed_by_a_list_by_state(store: Store, client_of: ClientOf) -> None:
    """Six are COMPLETED when the list is over; four of them were when their page was read."""
    for number in (0, 1):
        store.change(MANAGEMENT, REGION, "backup_jobs", f"job-0000{number}", {"State": "RUNNING"})
    for number in range(6, 10):
        store.change(MANAGEMENT, REGION, "backup_jobs", f"job-0000{number}", {"State": "FAILED"})
    with serve(store, faults=["ListBackupJobs:2=change:RUNNING:COMPLETED"]) as endpoint:
        client = client_of(endpoint.url)
        pages = list(client.get_paginator("list_backup_jobs").paginate(ByState="COMPLETED", PaginationConfig={"PageSize": 2}))
        after = client.list_backup_jobs(ByState="COMPLETED")["BackupJobs"]
    assert sum(len(page["BackupJobs"]) for page in pages) == 4
    assert len(after) == 6
    assert after[0]["CompletionDate"] == NOW


def test_a_fault_of_one_account_leaves_the_others_alone(store: Store, client_of: ClientOf) -> None:
    with serve(store, faults=[f"ListBackupJobs@{MEMBER}:*=denied"]) as endpoint:
        assert paged(client_of(endpoint.url)) == [4, 4, 2]
        with pytest.raises(ClientError, match=MEMBER):
            paged(client_of(endpoint.url, account=MEMBER))


def test_an_assumed_role_acts_in_its_account(store: Store, client_of: ClientOf) -> None:
    store.add(MEMBER, REGION, "backup_jobs", [job(1, AccountId=MEMBER)])
    with serve(store) as endpoint:
        sts = client_of(endpoint.url, service="sts")
        keys = sts.assume_role(RoleArn=f"arn:aws:iam::{MEMBER}:role/audit", RoleSessionName="audit")["Credentials"]
        assert client_of(endpoint.url, account=keys["AccessKeyId"], service="sts").get_caller_identity()["Account"] == MEMBER
        assert paged(client_of(endpoint.url, account=keys["AccessKeyId"])) == [1]
        assert client_of(endpoint.url, account="unknown", service="sts").get_caller_identity()["Account"] == MANAGEMENT
    assert [asked.operation for asked in endpoint.requests] == ["AssumeRole", "GetCallerIdentity", "ListBackupJobs", "GetCallerIdentity"]


def test_a_role_can_be_denied_by_the_account_it_is_in(store: Store, client_of: ClientOf) -> None:
    def assume(account: str) -> str:
        return str(sts.assume_role(RoleArn=f"arn:aws:iam::{account}:role/audit", RoleSessionName="audit")["AssumedRoleUser"]["Arn"])

    with serve(store, faults=[f"AssumeRole@{MEMBER}:*=denied"]) as endpoint:
        sts = client_of(endpoint.url, service="sts")
        assert MANAGEMENT in assume(MANAGEMENT)
        with pytest.raises(ClientError) as caught:
            assume(MEMBER)
    assert caught.value.response["Error"]["Code"] == "AccessDeniedException"


def test_two_servers_keep_their_jobs_apart(store: Store, client_of: ClientOf) -> None:
    with serve(store) as one, serve(Store(management=MANAGEMENT)) as other:
        assert paged(client_of(one.url)) == [4, 4, 2]
        assert paged(client_of(other.url)) == [0]


def test_what_moto_keeps_is_gone_with_the_server(store: Store, client_of: ClientOf) -> None:
    def vaults(url: str) -> int:
        return len(client_of(url).list_backup_vaults()["BackupVaultList"])

    with serve(store) as endpoint:
        client_of(endpoint.url).create_backup_vault(BackupVaultName="prod")
        assert vaults(endpoint.url) == 1
    with serve(store) as endpoint:
        assert vaults(endpoint.url) == 0


@pytest.mark.parametrize("call", [lambda c: c.stop_backup_job(BackupJobId="j"), lambda c: c.describe_copy_job(CopyJobId="j"), lambda c: c.list_report_jobs()])
def test_an_operation_nobody_emulates_is_an_error(store: Store, client_of: ClientOf, call: Callable[[Any], object]) -> None:
    with serve(store) as endpoint, pytest.raises(ClientError, match=r"NotImplemented|404"):
        call(client_of(endpoint.url))


def test_many_clients_at_once_each_get_the_whole_list(store: Store, client_of: ClientOf) -> None:
    with serve(store) as endpoint, ThreadPoolExecutor(8) as pool:
        clients = [client_of(endpoint.url) for _ in range(8)]
        assert list(pool.map(paged, clients)) == [[4, 4, 2]] * 8
    assert len(endpoint.requests) == 24


def test_no_thread_stays_even_where_a_client_keeps_silent(store: Store) -> None:
    before = set(threading.enumerate())
    with serve(store) as endpoint:
        parts = urlsplit(endpoint.url)
        silent = socket.create_connection((parts.hostname, parts.port))
        # Connections are accepted in order: the silent one has its thread once this one is answered.
        assert ask(endpoint.url, "GET", "/backup-jobs/")[0] == 200
        assert len(threading.enumerate()) > len(before) + 1
    assert set(threading.enumerate()) == before
    with silent:
        assert silent.recv(1) == b""


def ask(url: str, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, content


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/backup-jobs?maxResults=5", b"", 200),
        ("GET", "http://backup.eu-west-1.amazonaws.com/backup-jobs/", b"", 200),
        ("HEAD", "/backup-vaults/", b"", 404),
        ("GET", "/backup-jobs/?maxResults=many", b"", 400),
        ("GET", "/backup-jobs/?maxResults=0", b"", 400),
        ("GET", "/backup-jobs/?createdAfter=yesterday", b"", 400),
        ("GET", "/backup-jobs/?Action=Other", b"", 400),
        ("PUT", "/backup-jobs", b"[]", 400),
        ("PUT", "/backup-jobs", b"\xff", 400),
        ("PUT", "/backup-jobs", b"{", 400),
        ("DELETE", "/backup-jobs/j", b"", 404),
        ("GET", "//backup-jobs/", b"", 200),
        ("GET", "/", b"", 404),
    ],
)
def test_odd_requests_get_an_answer(store: Store, method: str, path: str, body: bytes, status: int) -> None:
    with serve(store) as endpoint:
        assert ask(endpoint.url, method, path, body)[0] == status


@pytest.mark.parametrize(("length", "status"), [("-1", 400), ("many", 400), (str(2**40), 413)])
def test_a_body_of_no_honest_length_is_refused(store: Store, length: str, status: int) -> None:
    with serve(store) as endpoint:
        assert ask(endpoint.url, "PUT", "/backup-jobs", headers={"Content-Length": length})[0] == status


def test_an_unsigned_request_is_answered_only_where_there_is_one_region(store: Store) -> None:
    with serve(store) as endpoint:
        assert ask(endpoint.url, "GET", "/backup-jobs/")[0] == 200
        store.add(MANAGEMENT, "us-east-1", "backup_jobs", [])
        assert ask(endpoint.url, "GET", "/backup-jobs/")[0] == 403


@pytest.mark.parametrize("skew", [timedelta(), timedelta(minutes=-10), timedelta(hours=1)])
def test_the_date_header_follows_the_clock_and_the_skew(store: Store, client_of: ClientOf, skew: timedelta) -> None:
    with serve(store, date_skew=skew) as endpoint:
        answer = client_of(endpoint.url).list_backup_jobs()
    assert parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"]) == NOW + skew


def test_the_environment_points_a_client_at_the_emulator(store: Store) -> None:
    with serve(store) as endpoint:
        assert endpoint.environment == {
            "AWS_ENDPOINT_URL": endpoint.url,
            "AWS_ACCESS_KEY_ID": MANAGEMENT,
            "AWS_SECRET_ACCESS_KEY": "emulator",
            "AWS_DEFAULT_REGION": REGION,
        }


def test_a_port_that_is_taken_or_none_is_a_usage_error(store: Store) -> None:
    with serve(store) as endpoint, pytest.raises(UsageError, match="cannot be had"), serve(store, port=urlsplit(endpoint.url).port or 0):
        pass
    with pytest.raises(UsageError, match="cannot be had"), serve(store, port=70_000):
        pass


def test_a_fault_that_is_none_is_a_usage_error_before_anything_starts(store: Store) -> None:
    before = set(threading.enumerate())
    with pytest.raises(UsageError, match="not a fault"), serve(store, faults=["nonsense"]):
        pass
    assert set(threading.enumerate()) == before


def test_a_plan_of_faults_can_be_given_ready_made(store: Store, client_of: ClientOf) -> None:
    with serve(store, faults=FaultPlan(["*:1=500"])) as endpoint, pytest.raises(ClientError):
        paged(client_of(endpoint.url))
