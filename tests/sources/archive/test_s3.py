"""An archive in S3: moto's server on loopback, reached as botocore would reach S3."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.request import Request, urlopen

import boto3
import pytest
from moto.server import ThreadedMotoServer

from policycheck.sources.archive.fetching import fetch_into
from policycheck.sources.archive.reading import read_archive
from policycheck.sources.archive.tables import Archive, ArchiveError, is_archive
from policycheck.sources.archive.upkeep import compact, give_up_damaged, read_status
from policycheck.sources.connection import Connection
from tests.sources.archive.conftest import DAY, Kept
from tests.sources.loopback import ACCOUNT, NOW, REGION, job

pytestmark = pytest.mark.slow
PATH = "s3://archive/of/jobs"


@pytest.fixture
def bucket(aws: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An S3 with the bucket of `PATH`; credentials with a mark in them."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    # What another server of this process was given is still there.
    urlopen(Request(f"http://127.0.0.1:{port}/moto-api/reset", method="POST")).close()
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "SECRETMARK0003")
    client = boto3.client("s3")
    client.create_bucket(Bucket="archive", CreateBucketConfiguration={"LocationConstraint": REGION})
    client.close()
    yield
    server.stop()


@pytest.mark.usefixtures("bucket")
def test_an_archive_in_s3_is_fetched_into_checked_compacted_and_repaired(keep: Callable[..., Kept]) -> None:
    kept = keep()
    assert not is_archive(PATH)
    connection = Connection(regions=(REGION,), endpoint_url=kept.served.url)
    for _ in range(2):
        fetch_into(Archive(PATH, connection), connection, ("backup_jobs",), now=kept.store.clock.now)
        kept.store.clock.advance(DAY)
        kept.store.change(ACCOUNT, REGION, "backup_jobs", job(60)["BackupJobId"], {"State": "COMPLETED", "CompletionDate": NOW})
    assert is_archive(PATH)
    archive, now = Archive(PATH), kept.store.clock.now() - DAY
    evidence = read_archive(archive, as_of=now)
    assert {entry.jobs for entry in evidence.coverage} == {10}
    assert evidence.lists["backup_jobs"].records[0].ResourceType == "EBS"
    assert sum(one.before - one.after for one in compact(archive)) > 0
    client = boto3.client("s3")
    names = [one["Key"] for one in client.list_objects_v2(Bucket="archive")["Contents"]]
    assert not [name for name in names if b"SECRETMARK" in client.get_object(Bucket="archive", Key=name)["Body"].read()]
    lost = next(name for name in names if "Day=2026-02-25" in name)
    client.delete_object(Bucket="archive", Key=lost)
    with pytest.raises(ArchiveError, match="is missing"):
        read_archive(archive, as_of=now)
    assert len(read_status(archive, now).damage) == 1
    assert len(give_up_damaged(archive, now)) == 1
    (entry,) = read_archive(archive, as_of=now).coverage
    assert len(entry.gaps) == 1
    client.close()


@pytest.mark.usefixtures("bucket")
def test_what_s3_refuses_is_said_without_a_credential() -> None:
    with pytest.raises(ArchiveError) as caught:
        is_archive("s3://no-such-bucket/x")
    assert "AWS_REGION" in caught.value.hint
    assert caught.value.message == "cannot be used: S3 answered NoSuchBucket"
