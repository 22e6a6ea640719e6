"""How AWS is reached, and how a connection fails: one line each."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from policycheck.emulator.clock import Clock
from policycheck.emulator.server import serve
from policycheck.emulator.store import Store
from policycheck.errors import FetchError, PolicycheckError, UsageError
from policycheck.sources.aws import FetchedEvidence, fetch_jobs
from policycheck.sources.connection import Connection, ListedAccount
from policycheck.sources.plan import FetchPlan
from policycheck.sources.session import ATTEMPTS, AwsSession
from tests.certificates import write_certificate
from tests.sources.loopback import NOW, REGION, Answer, endpoint, job, pages

ROOT = Path(__file__).parents[2]
PLAN = FetchPlan(("backup_jobs",))
ROLE = "arn:aws:iam::444455556666:role/AWSBackupAudit"


def fetch(**options: Any) -> FetchedEvidence:
    return fetch_jobs(Connection(**{"regions": (REGION,), **options}), PLAN, as_of=NOW, now=lambda: NOW)


def failure(**options: Any) -> PolicycheckError:
    with pytest.raises(PolicycheckError) as caught:
        fetch(**options)
    error = caught.value
    assert not any("\n" in text or "Traceback" in text for text in (error.message, error.hint, error.place))
    return error


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"account_id": "12345"}, "12 digits"),
        ({"account_id": "\N{ARABIC-INDIC DIGIT ONE}" * 12}, "12 digits"),
        ({"account_id": "all"}, "12 digits"),
        ({"role_arns": ("Audit",)}, "not the ARN of a role"),
        ({"role_arns": ("arn:aws:iam::111122223333:user/me",)}, "not the ARN of a role"),
        ({"role_arns": (ROLE,), "sign_request": False}, "signed requests"),
        ({"role_arns": (ROLE,), "account_id": "*"}, "exclude each other"),
        ({"role_arns": (ROLE,), "accounts": (ListedAccount("111122223333", "Audit"),)}, "exclude each other"),
        ({"role_arns": (ROLE,), "profiles": ("a", "b")}, "takes one --profile"),
        ({"account_id": "*", "profiles": ("a", "b")}, "takes one --profile"),
        ({"role_external_id": "abc"}, "requires a role"),
        ({"role_arns": (ROLE,), "role_external_id": "a secret?"}, "not a value that AWS takes"),
        ({"role_arns": (ROLE,), "role_session_name": "a/b"}, "not a value that AWS takes"),
        ({"read_timeout": -1}, "--cli-read-timeout -1"),
        ({"connect_timeout": -1}, "--cli-connect-timeout -1"),
        ({"ca_bundle": "/nowhere/ca.pem"}, "no such file"),
    ],
)
def test_an_option_that_cannot_be_is_refused_before_anything_is_asked(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        Connection(**options)


# --- credentials, profiles, Regions ---


@pytest.mark.usefixtures("no_aws")
def test_no_credentials() -> None:
    error = failure()
    assert isinstance(error, FetchError)
    assert "no AWS credentials" in error.message


@pytest.mark.usefixtures("no_aws")
def test_half_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    error = failure()
    assert "AWS_SECRET_ACCESS_KEY is missing" in error.message
    assert "AKIA" not in error.message


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("how", ["option", "environment", "environment, unsigned"])
def test_an_unknown_profile(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if how != "option":
        monkeypatch.setenv("AWS_PROFILE", "audit")
    error = failure(profiles=("audit",) if how == "option" else (), sign_request="unsigned" not in how, regions=())
    assert isinstance(error, FetchError)
    assert "no profile audit" in error.message


PROFILES = {
    "an expired SSO login": (
        "[profile p]\nsso_session=s\nsso_account_id=111122223333\nsso_role_name=r\n[sso-session s]\nsso_region=eu-west-1\nsso_start_url=https://example.com/start\n",
        "expired or does not exist",
    ),
    "an expired SSO login of the older form": (
        "[profile p]\nsso_account_id=111122223333\nsso_role_name=r\nsso_region=eu-west-1\nsso_start_url=https://example.com/start\n",
        "expired or does not exist",
    ),
    "a credential_process that fails": ("[profile p]\ncredential_process = false\n", "custom-process gave no credentials"),
    "a credential_process that prints no JSON": ("[profile p]\ncredential_process = echo wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n", "does not print JSON"),
    "a credential_process that prints a list": ("[profile p]\ncredential_process = echo [1]\n", "cannot use its settings"),
    "a credential_process that is not there": ("[profile p]\ncredential_process = /nowhere/process\n", "/nowhere/process does not exist"),
    "a credential_process that is no command": ('[profile p]\ncredential_process = "echo\n', "cannot use its settings"),
    "a web identity without its token": ("[profile p]\nweb_identity_token_file=/nowhere/token\nrole_arn=" + ROLE + "\n", "/nowhere/token does not exist"),
    "a role without a source": ("[profile p]\nrole_arn=" + ROLE + "\n", "source_profile"),
    "a circle of roles": ("[profile p]\nrole_arn=" + ROLE + "\nsource_profile=q\n[profile q]\nrole_arn=" + ROLE + "\nsource_profile=p\n", "p"),
    "a configuration that cannot be read": ("what is this\n", "cannot be read"),
}


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_that_gives_no_credentials(name: str, no_aws: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text, problem = PROFILES[name]
    no_aws.write_text(text)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("HOME", str(tmp_path))
    error = failure(profiles=("p",))
    assert isinstance(error, FetchError)
    assert problem in error.message
    assert "wJalr" not in f"{error.message}{error.hint}"


def test_an_mfa_code_without_a_terminal(no_aws: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    no_aws.write_text(f"[profile p]\nrole_arn={ROLE}\nmfa_serial=arn:aws:iam::111122223333:mfa/me\nsource_profile=s\nregion=eu-west-1\n")
    keys = tmp_path / "credentials"
    keys.write_text("[s]\naws_access_key_id=a\naws_secret_access_key=b\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(keys))

    code = """
from datetime import UTC, datetime
from policycheck.errors import FetchError
from policycheck.sources.aws import fetch_jobs
from policycheck.sources.connection import Connection
from policycheck.sources.plan import FetchPlan
try:
    fetch_jobs(Connection(profiles=("p",)), FetchPlan(("backup_jobs",)), as_of=datetime.now(UTC))
except FetchError as error:
    print(error.message)
"""
    # A new session has no terminal.
    done = subprocess.run([sys.executable, "-c", code], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True, start_new_session=True, cwd=ROOT)
    assert "MFA code" in done.stdout
    assert "Traceback" not in done.stderr
    assert "GetPassWarning" not in done.stderr


@pytest.mark.usefixtures("aws")
def test_no_region() -> None:
    error = failure(regions=())
    assert isinstance(error, FetchError)
    assert "no Region" in error.message
    assert "--region" in error.hint


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("regions", [("eu west 1",), ("eu-west-1", "not/one"), ("all", "-x-"), ("",)])
def test_a_malformed_region(regions: tuple[str, ...]) -> None:
    assert isinstance(failure(regions=regions), UsageError)


@pytest.mark.parametrize(
    ("options", "environment", "expected"),
    [
        (("us-east-1", "eu-west-1", "us-east-1"), {}, ("us-east-1", "eu-west-1")),
        ((), {"AWS_DEFAULT_REGION": "us-east-1"}, ("us-east-1",)),
        ((), {"AWS_REGION": "us-west-2", "AWS_DEFAULT_REGION": "us-east-1"}, ("us-west-2",)),
        (("eu-west-1",), {"AWS_REGION": "us-west-2"}, ("eu-west-1",)),
    ],
)
@pytest.mark.usefixtures("aws")
def test_regions_come_from_the_options_else_from_the_environment(
    options: tuple[str, ...], environment: dict[str, str], expected: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert AwsSession(Connection(regions=options)).regions() == expected


@pytest.mark.parametrize(("region", "member", "stranger"), [("", "eu-west-1", "cn-north-1"), ("cn-north-1", "cn-northwest-1", "eu-west-1")])
@pytest.mark.usefixtures("aws")
def test_all_regions_are_those_of_the_partition(region: str, member: str, stranger: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if region:
        monkeypatch.setenv("AWS_REGION", region)
    regions = AwsSession(Connection(regions=("all", "xx-new-1"))).regions()
    assert member in regions
    assert stranger not in regions
    assert regions[-1] == "xx-new-1"


def test_a_profile_brings_its_region_and_endpoint(no_aws: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with endpoint(pages([job(0)], 10)) as served:
        text = f"[profile p]\nregion=eu-west-1\nendpoint_url={served.url}\naws_access_key_id=a\naws_secret_access_key=b\n"
        no_aws.write_text(text)
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
        evidence = fetch(profiles=("p",), regions=())
    assert len(evidence.lists["backup_jobs"]) == 1


# --- endpoints ---


@pytest.mark.usefixtures("aws", "pauses")
def test_an_endpoint_that_refuses() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    error = failure(endpoint_url=f"http://127.0.0.1:{port}")
    assert isinstance(error, FetchError)
    assert f"http://127.0.0.1:{port} cannot be reached: connection refused" in error.message
    assert "ListBackupJobs, eu-west-1" in error.place


@pytest.mark.usefixtures("aws", "pauses")
def test_an_endpoint_that_does_not_answer_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("policycheck.sources.session.ATTEMPTS", 1)
    with silent_server() as url:
        error = failure(endpoint_url=url, read_timeout=1)
    assert f"{url} did not answer in time" in error.message
    assert "--cli-read-timeout" in error.hint


@contextmanager
def silent_server() -> Iterator[str]:
    """Takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.usefixtures("aws", "pauses")
def test_an_endpoint_that_closes_every_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def close() -> None:
            for _ in range(ATTEMPTS):
                server.accept()[0].close()

        thread = threading.Thread(target=close)
        thread.start()
        error = failure(endpoint_url=f"http://127.0.0.1:{server.getsockname()[1]}")
        thread.join()
    assert "closed the connection" in error.message


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of 127.0.0.1 that nobody signed, and its key, in one file."""
    return write_certificate(tmp_path_factory.mktemp("tls") / "certificate.pem")


def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.mark.usefixtures("aws")
def test_a_certificate_nobody_trusts_is_refused_at_once(certificate: Path, pauses: list[float]) -> None:
    with endpoint(pages([], 10), context=tls(certificate)) as served:
        error = failure(endpoint_url=served.url)
        assert served.asked == []
    assert isinstance(error, FetchError)
    assert "self-signed certificate" in error.message.replace("self signed", "self-signed")
    assert "--ca-bundle" in error.hint
    assert pauses == []


@pytest.mark.usefixtures("aws")
def test_a_certificate_that_is_named_is_trusted(certificate: Path) -> None:
    with endpoint(pages([job(0)], 10), context=tls(certificate)) as served:
        evidence = fetch(endpoint_url=served.url, ca_bundle=str(certificate))
    assert len(evidence.lists["backup_jobs"]) == 1
    assert evidence.warnings == ()


@pytest.mark.usefixtures("aws")
def test_without_verification_any_certificate_will_do_and_the_report_says_so(certificate: Path) -> None:
    with endpoint(pages([job(0)], 10), context=tls(certificate)) as served:
        evidence = fetch(endpoint_url=served.url, verify_ssl=False)
    assert len(evidence.lists["backup_jobs"]) == 1
    assert "not verified" in " ".join(evidence.warnings)


@pytest.mark.parametrize("url", ["nonsense", "http://", "ftp://x", "https://h:port", "https://h:0", "http://[", "", "http://h:99999"])
def test_an_endpoint_that_is_no_url(url: str) -> None:
    with pytest.raises(UsageError, match="--endpoint-url"):
        Connection(endpoint_url=url)


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("url", ["nonsense", "http://", "https://h:port", "http://bad host:1"])
def test_an_endpoint_of_the_environment_that_is_no_url(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    error = failure()
    assert isinstance(error, UsageError)
    assert "AWS_ENDPOINT_URL" in error.message


@pytest.mark.usefixtures("aws", "pauses")
def test_a_proxy_that_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    monkeypatch.setenv("HTTP_PROXY", f"http://user:pass@127.0.0.1:{port}")
    monkeypatch.setenv("NO_PROXY", "")
    error = failure(endpoint_url="http://backup.example")
    assert "the proxy" in error.message
    assert "pass@" not in error.message


@pytest.mark.usefixtures("no_aws")
def test_unsigned_requests_need_no_credentials() -> None:
    with endpoint(pages([job(0)], 10)) as served:
        assert len(fetch(endpoint_url=served.url, sign_request=False).lists["backup_jobs"]) == 1


@pytest.mark.usefixtures("aws")
def test_requests_are_signed_for_the_region() -> None:
    seen: list[str] = []
    with endpoint([Answer(b'{"BackupJobs":[]}')]) as served:
        client = AwsSession(Connection(endpoint_url=served.url)).backup_client("us-west-2")
        client.meta.events.register("before-send.backup", lambda request, **_: seen.append(request.headers["Authorization"].decode()))
        client.list_backup_jobs()
        client.close()
    assert "/us-west-2/backup/aws4_request" in seen[0]


@pytest.mark.parametrize(("given", "expected"), [(0, None), (7, 7)])
@pytest.mark.usefixtures("aws")
def test_a_timeout_of_zero_waits_for_ever(given: int, expected: int | None) -> None:
    client = AwsSession(Connection(read_timeout=given, connect_timeout=given)).backup_client(REGION)
    assert (client.meta.config.read_timeout, client.meta.config.connect_timeout) == (expected, expected)
    assert client.meta.config.retries == {"mode": "standard", "total_max_attempts": ATTEMPTS}
    client.close()


# --- several accounts ---


OF_KEYS = "[profile {name}]\naws_access_key_id={key}\naws_secret_access_key=x\nregion={region}\n"


def test_each_profile_has_its_account_and_its_region(no_aws: Path) -> None:
    named = (("a", "111122223333", "eu-west-1"), ("b", "444455556666", "us-east-1"))
    no_aws.write_text("".join(OF_KEYS.format(name=name, key=key, region=region) for name, key, region in named))
    store = Store(Clock(NOW), management="999999999999")
    for _, account, region in named:
        store.add(account, region, "backup_jobs", [job(1, account=account, region=region)])
    with serve(store) as served:
        evidence = fetch(profiles=("a", "b"), regions=(), endpoint_url=served.url)
    assert [(entry.account, entry.region, entry.jobs) for entry in evidence.coverage] == [(account, region, 1) for _, account, region in named]
    assert "not asked: Regions other than eu-west-1, us-east-1" in evidence.not_seen


def test_one_session_is_made_for_each_profile_and_one_sts_client_for_all_its_roles(no_aws: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_aws.write_text(OF_KEYS.format(name="a", key="111122223333", region="eu-west-1"))
    made: list[str] = []
    session = boto3.Session

    class Counted(session):  # type: ignore[misc, valid-type]  # boto3 ships no types
        def __init__(self, **options: Any) -> None:
            made.append("session")
            super().__init__(**options)

        def client(self, service: str, **options: Any) -> Any:
            made.append(service)
            return super().client(service, **options)

    monkeypatch.setattr("boto3.Session", Counted)
    accounts = tuple(ListedAccount(f"{number:012}", "Audit") for number in range(1, 6))
    store = Store(Clock(NOW), management="111122223333")
    store.add("111122223333", REGION, "backup_jobs", [])
    with serve(store) as served:
        fetch(profiles=("a",), accounts=accounts, endpoint_url=served.url)
    assert sorted(made) == ["backup"] * 5 + ["session", "sts"]


def test_a_role_is_told_its_external_id_and_session_name(aws: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, str]] = []

    class Sts:
        def assume_role(self, **parameters: str) -> Any:
            asked.append(parameters)
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": 403}}, "AssumeRole")

        def close(self) -> None:
            pass

    monkeypatch.setattr(AwsSession, "_home_client", lambda *_: Sts())
    listed = (ListedAccount("111122223333", "Audit", "of-the-list", "me", "prod"), ListedAccount("444455556666", ROLE))
    failure(accounts=listed, role_external_id="of-the-option")
    monkeypatch.setenv("AWS_ROLE_SESSION_NAME", "of-the-environment")
    failure(role_arns=(ROLE,))
    assert {(one["RoleArn"], one.get("ExternalId"), one["RoleSessionName"]) for one in asked} == {
        ("arn:aws:iam::111122223333:role/Audit", "of-the-list", "me"),
        (ROLE, "of-the-option", "policycheck"),
        (ROLE, None, "of-the-environment"),
    }


def test_the_roles_of_a_list_are_in_the_partition_of_the_region(aws: Path) -> None:
    session = AwsSession(Connection(regions=("cn-north-1",), accounts=(ListedAccount("111122223333", "Audit"),)))
    assert [identity.role_arn for identity in session.identities()] == ["arn:aws-cn:iam::111122223333:role/Audit"]
