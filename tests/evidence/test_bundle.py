"""`check --bundle` and `verify`: bundles of saved files and of fetched lists, verified elsewhere, and evaluated by the script alone."""

from __future__ import annotations

import base64
import gzip
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from policycheck.cli.app import run
from policycheck.emulator.clock import Clock
from policycheck.emulator.server import Endpoint, serve
from policycheck.emulator.store import Store
from policycheck.errors import EvidenceError
from policycheck.evidence.verification import Verification, verify
from tests.cli.conftest import job, save
from tests.cli.test_aws import sample_store
from tests.evidence.bundles import POLICY, forged, packed, run_script, unpack_into, unpacked, with_sums
from tests.evidence.files import write
from tests.sources.conftest import few_regions, no_aws  # noqa: F401 - fixtures

AS_OF = "2026-11-20T06:00:00Z"
ARN = "arn:aws:ec2:eu-west-1:111122223333:instance"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A policy, lists in several forms, an inventory, a scope and waivers."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "policy.yaml").write_text(POLICY, encoding="utf-8")
    save(folder / "monday.json", job(1), job(2, "FAILED", StatusMessage="Access denied."))
    (folder / "packed").write_bytes(gzip.compress(json.dumps({"BackupJobs": [job(7)]}).encode("utf-16")))
    (folder / "lines").write_text("\n".join(json.dumps(job(number)) for number in (5, 6)), encoding="utf-8")
    (folder / "described").write_text(json.dumps(job(8, "FAILED")), encoding="utf-8")
    save(folder / "hostile", job(9, ResourceName="half \ud800", StatusMessage="\x1b[2J ##[error]x\n::error::y \u202e"))
    (running,) = write(
        [{"dataset": "backup_jobs", "name": "", "lone": False, "unclosed": True, "records": [job(3), job(4, "RUNNING", CompletionDate="")]}], folder
    )
    Path(running).rename(folder / "tuesday.yaml")
    waiver = "{rule: none-failed, match: {ResourceArn: %s/i-2}, owner: me, reason: known, granted: 2026-11-01, expires: 2026-12-01}"
    (folder / "waivers.yaml").write_text(f"waivers:\n  - {waiver % ARN}\n", encoding="utf-8")
    (folder / "prod.csv").write_text(f"arn,tags.env\n{ARN}/i-1,prod\n{ARN}/i-77,test\n", encoding="utf-8")
    (folder / "listed.yaml").write_text(
        "policy: q\nscope: {accounts: [111122223333]}\nrules:\n  - {id: listed, rule: every resource in inventory prod must have a clean job within 30h}\n"
    )
    (folder / "scope.yaml").write_text("accounts: [111122223333]\nregions: [eu-west-1, us-east-1]\nmay_be_empty: [111122223333/us-east-1]\n")
    return folder


Make = Callable[..., Path]


@pytest.fixture
def make(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Makes a bundle of the folder, from the folder."""

    def made(*arguments: str, jobs: tuple[str, ...] = ("monday.json",)) -> Path:
        monkeypatch.chdir(folder)
        path = tmp_path / "evidence.zip"
        lists = [text for one in jobs for text in ("--jobs", one)]
        run(["check", "policy.yaml", *lists, "--as-of", AS_OF, "--output", f"json={tmp_path / 'kept.json'}", "--quiet", "--bundle", str(path), *arguments])
        monkeypatch.chdir(tmp_path)
        return path

    return made


def verified(path: Path) -> Verification:
    found = verify(path)
    assert (found.exit_code, found.damage, found.differing) == (0, [], [])
    return found


def agrees(path: Path, folder: Path, python: str = sys.executable) -> str:
    """What the script alone says of a bundle it agrees with."""
    done = run_script(unpack_into(folder, unpacked(path)), python)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "This agrees with result.json" in done.stdout
    return done.stdout


def test_a_bundle_of_saved_files_verifies_and_the_script_alone_agrees(make: Make, tmp_path: Path) -> None:
    given = ["--waivers", "waivers.yaml", "--param", "age=27h", "--covers", "2026-11-01..2026-11-20T06:00:00Z", "--ignore", "roles"]
    path = make(*given, jobs=("monday.json", "tuesday.yaml"))
    found = verified(path)
    assert found.script_agrees and found.verdicts_agree
    assert unpacked(path)["result.json"] == (tmp_path / "kept.json").read_bytes()
    told = agrees(path, tmp_path / "unpacked")
    assert "p/none-failed" in told and "3 rules" in told
    # One of a thing has no plural.
    assert not re.search(r"\b1 (?:findings|subjects|rules)\b", told) and re.search(r"\b1 (?:finding|subject)\b", told)
    assert verify(tmp_path / "unpacked").exit_code == 0


FORMS = [
    ("packed", "lines", "described", "hostile", "tuesday.yaml"),
    ("described",),
    ("tuesday.yaml", "packed"),
]


@pytest.mark.slow
@pytest.mark.parametrize("jobs", FORMS)
@pytest.mark.parametrize("given", [[], ["listed.yaml", "--inventory", "prod=prod.csv"], ["--scope", "scope.yaml"]])
def test_whatever_form_a_list_has_its_bundle_verifies(jobs: tuple[str, ...], given: list[str], make: Make, tmp_path: Path) -> None:
    path = make(*given, jobs=jobs)
    assert verified(path).script_agrees
    agrees(path, tmp_path / "unpacked")


def test_the_same_input_gives_the_same_bytes(make: Make) -> None:
    first = make().read_bytes()
    assert make().read_bytes() == first


@pytest.mark.slow
def test_every_python_that_is_here_comes_to_the_same_by_the_script_alone(make: Make, tmp_path: Path) -> None:
    path = make("listed.yaml", "--inventory", "prod=prod.csv", jobs=("monday.json", "tuesday.yaml"))
    versions = [f"3.{minor}" for minor in range(9, 15)]
    beside = [str(python) for version in versions for python in Path(sys.base_prefix).parent.glob(f"*/bin/python{version}")]
    named = [python for version in versions if (python := shutil.which(f"python{version}"))]
    # A version manager may leave names on the path that do not run.
    runs = [python for python in [*beside, *named] if subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0]
    assert runs
    for number, python in enumerate(runs):
        agrees(path, tmp_path / str(number), python)


@pytest.fixture
def endpoint(no_aws: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:  # noqa: F811
    """The sample organization, asked from an empty folder with a policy."""
    copied = "  - {id: copied, rule: every clean RDS job must be followed by a COMPLETED copy job within 1d}\n"
    (tmp_path / "policy.yaml").write_text(POLICY + copied, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with serve(sample_store()) as served:
        for name, value in served.environment.items():
            monkeypatch.setenv(name, value)
        yield served


@pytest.fixture
def fetched(no_aws: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:  # noqa: F811
    """A bundle of two Regions; credentials of every kind are marked."""
    (tmp_path / "policy.yaml").write_text(POLICY, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    marked = {"AWS_SECRET_ACCESS_KEY": "MARKED-KEY", "AWS_SESSION_TOKEN": "MARKED-SESSION", "GITHUB_TOKEN": "MARKED-TOKEN", "GITHUB_ACTIONS": "true"}
    runner = {"GITHUB_SERVER_URL": "https://MARKED-USER:MARKED-PASSWORD@github.com", "GITHUB_REPOSITORY": "o/r", "GITHUB_RUN_ID": "7"}
    now = datetime.now(UTC).replace(microsecond=0)
    store = Store(Clock(now, running=True), management="111122223333")
    for region in ("eu-west-1", "us-east-1"):
        ended = now - timedelta(hours=1)
        jobs = [job(number, state, CreationDate=ended, CompletionDate=ended) for number, state in ((1, "COMPLETED"), (2, "FAILED"))]
        moved = [{name: value.replace("eu-west-1", region) if isinstance(value, str) else value for name, value in one.items()} for one in jobs]
        store.add("111122223333", region, "backup_jobs", [{**one, "StartBy": now} for one in moved])
    with serve(store) as served:
        for name, value in {**served.environment, **marked, **runner}.items():
            monkeypatch.setenv(name, value)
        assert run(["check", "policy.yaml", "--region", "eu-west-1", "--region", "us-east-1", "--quiet", "--bundle", "evidence.zip"]) == 1
        assert {request.operation for request in served.requests} <= {"ListBackupJobs", "GetCallerIdentity"}
    return tmp_path / "evidence.zip"


def test_a_bundle_of_fetched_lists_is_observed_verifies_and_holds_no_credential(fetched: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)  # nothing is asked again
    found = verified(fetched)
    assert found.result is not None and found.manifest is not None and found.manifest.fetch is not None
    assert {str(entry.basis) for entry in found.result.coverage} == {"observed"}
    assert found.manifest.fetch.record.caller
    assert all(page.request_id and page.date for pages in found.manifest.fetch.pages for page in pages)
    agrees(fetched, tmp_path / "unpacked")
    files = unpacked(fetched)
    assert [name for name, content in files.items() if b"MARKED" in content] == []
    assert b"https://github.com/o/r/actions/runs/7" in files["statement.json"]


ASKED = [
    ["aws-backup-baseline", "--region", "eu-west-1"],
    ["policy.yaml", "--account-id", "*", "--region", "eu-west-1"],
    ["policy.yaml", "--longest-job", "8d", "--select", "none-failed", "--region", "us-east-1"],
    ["policy.yaml", "--role-arn", "arn:aws:iam::444455556666:role/Audit", "--role-arn", "arn:aws:iam::111122223333:role/Audit", "--region", "eu-west-1"],
    ["policy.yaml", "--region", "all"],
]


@pytest.mark.slow
@pytest.mark.usefixtures("endpoint", "few_regions")
@pytest.mark.parametrize("asked", ASKED, ids=" ".join)
def test_whatever_was_fetched_its_bundle_verifies(asked: list[str], tmp_path: Path) -> None:
    run(["check", *asked, "--quiet", "--bundle", "evidence.zip"])
    assert verified(tmp_path / "evidence.zip").script_agrees
    agrees(tmp_path / "evidence.zip", tmp_path / "unpacked")


@pytest.mark.slow
def test_a_fetch_that_was_incomplete_is_so_in_its_bundle(endpoint: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(sample_store(), faults=["ListBackupJobs@us-east-1:*=denied"]) as denying:
        monkeypatch.setenv("AWS_ENDPOINT_URL", denying.environment["AWS_ENDPOINT_URL"])
        run(["check", "policy.yaml", "--region", "eu-west-1", "--region", "us-east-1", "--quiet", "--bundle", "evidence.zip"])
    found = verified(tmp_path / "evidence.zip")
    assert found.result is not None
    assert {entry.region for entry in found.result.coverage if not entry.complete} == {"us-east-1"}
    agrees(tmp_path / "evidence.zip", tmp_path / "unpacked")
    del endpoint


# --- which bundle it is ---


def envelope(*digests: str) -> bytes:
    """A Sigstore bundle whose Statement has subjects of these digests."""
    subjects = [{"name": "evidence.zip", "digest": {"sha256": digest}} for digest in digests]
    statement = {"_type": "https://in-toto.io/Statement/v1", "subject": subjects, "predicateType": "https://in-toto.io/attestation/test-result/v0.1"}
    payload = base64.b64encode(json.dumps(statement).encode()).decode()
    signed = {"payload": payload, "payloadType": "application/vnd.in-toto+json", "signatures": [{"sig": "MEUC"}]}
    return json.dumps({"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "dsseEnvelope": signed}).encode() + b"\n"


def test_a_bundle_that_was_rebuilt_as_a_whole_is_told_by_its_digest_or_an_attestation_alone(make: Make, tmp_path: Path) -> None:
    path = make("--select", "none-failed")
    digest = verify(path).sha256
    attestation = tmp_path / "attestation.jsonl"
    attestation.write_bytes(envelope("00" * 32) + envelope(digest))
    assert verify(path, digest=f"sha256:{digest}", attestation=attestation).exit_code == 0
    # Somebody changes a job, and every digest: the bundle agrees with itself.
    before = unpacked(path)
    job_changed = before["lists/0001-monday.json"].replace(b'"PercentDone": "100.0"', b'"PercentDone": "99.0"', 1)
    rebuilt = packed(tmp_path / "rebuilt.zip", forged(before, {**before, "lists/0001-monday.json": job_changed}))
    assert verify(rebuilt).exit_code == 0
    assert verify(rebuilt, digest=f"sha256:{digest}").exit_code == 3
    found = verify(rebuilt, attestation=attestation)
    assert found.exit_code == 3
    assert "no subject there has a digest" in found.damage[0]


def test_an_unpacked_bundle_is_told_by_the_digest_of_its_sums(make: Make, tmp_path: Path) -> None:
    folder = unpack_into(tmp_path / "unpacked", unpacked(make()))
    digest = verify(folder).sha256
    assert verify(folder, digest=f"sha256:{digest}").bound_by == "--digest is that of its SHA256SUMS"
    assert verify(folder, digest=f"sha256:{'0' * 64}").exit_code == 3


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", b'{"payload": "e30=", "payloadType": "x"}', b'{"dsseEnvelope": {"payload": "!"}}', envelope()])
def test_what_is_no_attestation_is_refused(content: bytes, make: Make, tmp_path: Path) -> None:
    attestation = tmp_path / "attestation.json"
    attestation.write_bytes(content)
    with pytest.raises(EvidenceError):
        verify(make(), attestation=attestation)


def test_every_kind_of_change_is_named(make: Make, tmp_path: Path) -> None:
    files = unpacked(make())
    changed = {**files, "policies/0001-policy.yaml": b"policy: p\nrules: []\n"}
    found = verify(packed(tmp_path / "changed.zip", changed))
    assert (found.exit_code, found.damage) == (3, ["policies/0001-policy.yaml was changed: it is not what SHA256SUMS says"])
    found = verify(packed(tmp_path / "changed.zip", with_sums(changed)))
    assert (found.exit_code, found.damage) == (3, ["policies/0001-policy.yaml was changed: it is not what bundle.json says was read"])
    found = verify(packed(tmp_path / "changed.zip", {**files, "more.txt": b"x"}))
    assert (found.exit_code, found.damage) == (3, ["more.txt is not in SHA256SUMS: it was added"])
    found = verify(packed(tmp_path / "changed.zip", {name: content for name, content in files.items() if name != "result.json"}))
    assert found.exit_code == 3 and "result.json is missing" in found.damage
    edited = with_sums({**files, "result.json": files["result.json"].replace(b"no FAILED jobs", b"no failed jobs")})
    found = verify(packed(tmp_path / "changed.zip", edited))
    assert found.exit_code == 1 and found.verdicts_agree and found.script_agrees
    assert found.differing[0].startswith("result.json is not what the run comes to: line ")
