"""Job lists and reports in S3: found, read, and refused with one line."""

from __future__ import annotations

import json
import ssl
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from policycheck.datasets import BACKUP_JOBS
from policycheck.errors import EvidenceError, ExitCode, PolicycheckError, UsageError
from policycheck.sources.files import read_job_files
from policycheck.sources.interface import Evidence
from policycheck.sources.objects import s3_options
from tests.certificates import write_certificate, write_signed_certificate
from tests.sources.job_reports import as_csv, row
from tests.sources.loopback import NOW, job
from tests.tables import each

KEY_ID, SECRET, TOKEN = "AKIAMARKEDMARKED0000", "MARKEDsecretMARKEDsecretMARKEDsecretMARK", "MARKEDtoken" * 9
OBJECTS = {
    "audit/": b"",
    "audit/Backup/111122223333/eu-west-1/2026/03/01/plan/a.json": json.dumps({"BackupJobs": [job(1)]}).encode(),
    "audit/Backup/111122223333/eu-west-1/2026/03/02/plan/b c%#.json": json.dumps({"BackupJobs": [job(2)]}).encode(),
    "audit/Backup/.temporary/c.json": b"junk",
    "audit2/d.json": b"junk",
    "broken/e.json": b'{"BackupJobs": [',
    "broken/f.json": b"",
    "twice//g.json": b"junk",
    "reports/Backup/crossaccount/crossregion/2026/03/01/jobs/h.csv": as_csv(
        [row(BACKUP_JOBS, job(13 * 60), NOW - timedelta(hours=36), NOW - timedelta(hours=12))]
    ),
    "reports/Backup/111122223333/eu-west-1/2026/03/01/controls/i.csv": b"accountId,region,frameworkName,controlName\n1,eu-west-1,F,C\n",
}


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The URL of an S3 with a bucket `lists` in eu-west-1."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        url = f"http://{host}:{port}"
        client = boto3.client("s3", endpoint_url=url, region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")
        client.create_bucket(Bucket="lists", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        for key, body in OBJECTS.items():
            client.put_object(Bucket="lists", Key=key, Body=body)
        client.close()
        yield url
    finally:
        server.stop()


@pytest.fixture
def keys(no_aws: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("AWS_ACCESS_KEY_ID", KEY_ID), ("AWS_SECRET_ACCESS_KEY", SECRET), ("AWS_SESSION_TOKEN", TOKEN), ("AWS_REGION", "us-east-1")):
        monkeypatch.setenv(name, value)


@pytest.fixture
def lists(s3: str, keys: None, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3)
    return s3


def read(*paths: str) -> Evidence:
    return read_job_files(paths, as_of=NOW, covers=None, stdin=BytesIO())


def refusal(*paths: str) -> PolicycheckError:
    with pytest.raises(PolicycheckError) as caught:
        read(*paths)
    shown = f"{caught.value.place} {caught.value.message} {caught.value.hint}"
    assert "MARKED" not in shown
    return caught.value


def test_what_lies_below_a_prefix_is_read_as_a_folder_is(lists: str, tmp_path: Path) -> None:
    for key, body in OBJECTS.items():
        if key.startswith("audit/") and body:
            path = tmp_path / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)
    expected = read(str(tmp_path / "audit"))
    found = read("s3://lists/audit")
    for evidence in (found, read("s3://lists/audit/"), read("s3://lists/audit/Backup")):
        assert list(evidence.lists["backup_jobs"].records) == list(expected.lists["backup_jobs"].records)
    first, second = (f"s3://lists/{key}" for key in OBJECTS if key.endswith(("a.json", "b c%#.json")))
    assert f"asserted: 2 files ({first}, {second}) do not record" in found.not_seen[0]


def test_one_object_is_read_alone_and_once(lists: str) -> None:
    url = "s3://lists/audit/Backup/111122223333/eu-west-1/2026/03/01/plan/a.json"
    found = read(url, url, "s3://lists/audit/Backup/111122223333/eu-west-1/2026/03/01")
    assert [record.BackupJobId for record in found.lists["backup_jobs"].records] == [job(1)["BackupJobId"]]
    assert {entry.source for entry in found.coverage} == {url}


def test_reports_are_read_where_aws_puts_them_and_other_reports_passed_over(lists: str) -> None:
    found = read("s3://lists/reports")
    jobs, controls = sorted((f"s3://lists/{key}" for key in OBJECTS if key.startswith("reports/")), reverse=True)
    assert [(entry.source, entry.jobs, entry.end) for entry in found.coverage] == [(jobs, 1, NOW - timedelta(hours=12))]
    assert any(note.startswith(f"asserted: {jobs} is a job report of AWS Backup") for note in found.not_seen)
    assert any(note.startswith(f"not read: {controls}: a compliance report") for note in found.not_seen)


REFUSED = [
    ("s3://lists/nothing", ExitCode.EVIDENCE, "s3://lists/nothing", "no object has this name or prefix"),
    ("s3://lists/aud", ExitCode.EVIDENCE, "s3://lists/aud", "no object has this name or prefix"),
    ("s3://lists/broken/e.json", ExitCode.EVIDENCE, "s3://lists/broken/e.json", "is cut off: the JSON ends"),
    ("s3://lists/broken/", ExitCode.EVIDENCE, "", "s3://lists/broken/f.json: is empty"),
    ("s3://lists/twice", ExitCode.EVIDENCE, "s3://lists/twice", "holds the object 'twice//g.json', whose name"),
    ("s3://nobody/x", ExitCode.EVIDENCE, "s3://nobody", "the bucket does not exist"),
    ("s3://", ExitCode.USAGE, "", "s3://: not the name of a bucket"),
    ("s3:///x", ExitCode.USAGE, "", "s3:///x: not the name of a bucket"),
]


@each(("url", "code", "place", "message"), REFUSED)
def test_what_cannot_be_read_is_named(url: str, code: ExitCode, place: str, message: str, lists: str) -> None:
    error = refusal(url)
    assert (error.exit_code, error.place) == (code, place)
    assert message in error.message


def test_options_open_the_bucket_for_others(lists: str) -> None:
    import obstore
    from obstore.store import S3Store

    options: Any = s3_options("lists")
    assert options == {
        "AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL": lists, "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": TOKEN,
    }  # fmt: skip
    assert s3_options() == {**options, "AWS_REGION": "us-east-1"}
    client: Any = {"allow_http": options.pop("AWS_ALLOW_HTTP") == "true"}
    store = S3Store("lists", config=options, client_options=client)
    assert bytes(obstore.get(store, "audit2/d.json").bytes()) == b"junk"


def test_without_the_extra_the_command_says_what_to_install(lists: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "obstore"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "obstore", None)
    error = refusal("s3://lists/audit")
    assert isinstance(error, UsageError)
    assert error.hint == "pip install 'policycheck[archive]'"


# --- what S3 refuses ---


@contextmanager
def refusing(status: int, body: str, headers: dict[str, str], certificate: Path | None = None) -> Iterator[str]:
    """A bucket that is there, and answers so where an object is asked for, or a list of them."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer(int(headers.get("head", "200")) if self.path == "/lists" else status, b"")

        def do_GET(self) -> None:
            self._answer(status, body.encode())

        def _answer(self, code: int, content: bytes) -> None:
            self.send_response_only(code)
            self.send_header("x-amz-bucket-region", "eu-west-1")
            self.send_header("ETag", "e")
            self.send_header("Last-Modified", "Sun, 01 Mar 2026 12:00:00 GMT")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http{'s' if certificate else ''}://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def xml(code: str) -> str:
    return f"<Error><Code>{code}</Code><Message>{SECRET}</Message><AWSAccessKeyId>{KEY_ID}</AWSAccessKeyId><Token-0>{TOKEN}</Token-0></Error>"


DENIED = [
    (403, xml("AccessDenied"), {}, "access denied: s3:ListBucket is not allowed"),
    (403, xml("AccessDenied"), {"head": "403"}, "access denied: s3:ListBucket is not allowed"),
    (400, xml("ExpiredToken"), {"head": "400"}, "the session has expired"),
    (403, xml("InvalidAccessKeyId"), {}, "AWS does not know these credentials here"),
    (403, xml("SignatureDoesNotMatch"), {}, "AWS does not accept the signature"),
    (400, "<html>a proxy</html>", {}, "the answer is not one of AWS (status 400)"),
]


@each(("status", "body", "headers", "message"), DENIED)
def test_what_s3_refuses_is_one_line_without_a_credential(
    status: int, body: str, headers: dict[str, str], message: str, keys: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with refusing(status, body, headers) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        for path in ("s3://lists/audit", "s3://lists/a.json"):
            error = refusal(path)
            assert isinstance(error, EvidenceError)
            assert (error.exit_code, error.place) == (ExitCode.EVIDENCE, path)
            assert message in error.message


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9"}, "http://127.0.0.1:9 cannot be reached"),
        ({"AWS_PROFILE": "nobody"}, "there is no profile nobody"),
        ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SESSION_TOKEN": ""}, "no AWS credentials were found"),
    ],
    ids=lambda case: "" if isinstance(case, str) else next(iter(case)),
)
def test_settings_that_do_not_reach_s3_are_named(
    setting: dict[str, str], message: str, keys: None, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in setting.items():
        monkeypatch.setenv(name, value)
    error = refusal("s3://lists/audit")
    assert (error.exit_code, error.message.partition(":")[0]) == (ExitCode.EVIDENCE, message.partition(":")[0])
    assert message in error.message
    # No option of the command line says how S3 is reached.
    assert "--p" not in error.hint
    assert "--endpoint" not in error.hint


@pytest.mark.slow
def test_certificates_of_the_environment_are_trusted_and_no_others(keys: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trusted, served = write_signed_certificate(tmp_path)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(trusted))
    with refusing(200, json.dumps({"BackupJobs": [job(1)]}), {}, served) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", url)
        assert len(read("s3://lists/a.json").lists["backup_jobs"]) == 1
    # botocore takes one that signed itself, and the object store does not.
    own = write_certificate(tmp_path / "own.pem")
    monkeypatch.setenv("AWS_CA_BUNDLE", str(own))
    with refusing(200, "", {}, own) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", url)
        assert refusal("s3://lists/a.json").message == "the certificate of the endpoint is not accepted"
