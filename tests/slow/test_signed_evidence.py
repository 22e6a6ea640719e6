"""The worked example of docs/audit.md: examples/workflows/signed-evidence.yml, run from the fetch to what an auditor does.

Every `run:` step is run by bash as a runner runs it, against the emulator. Stand-ins take the place of what needs GitHub: `actions/attest` (which makes an
attestation of the same form, with a signature that nobody could verify), `gh` and `pipx`; artifacts are copied.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from policycheck.emulator.server import serve
from tests.cli.test_aws import sample_store
from tests.test_project import ROOT

pytestmark = pytest.mark.slow

FILE = ROOT / "examples" / "workflows" / "signed-evidence.yml"
WORKFLOW: dict[str, Any] = YAML(typ="safe", pure=True).load(FILE.read_text(encoding="utf-8"))
PREDICATE = "https://in-toto.io/attestation/test-result/v0.1"
POLICY = "policy: weekly\nrules:\n  - {id: finished, rule: no FAILED jobs within 7d}\n  - {id: kept, rule: vault must be present within 7d}\n"
EXPRESSION = re.compile(r"\$\{\{\s*([\w.-]+)\s*\}\}")


@dataclass
class Machine:
    """One job's runner: its folder, and what its steps gave."""

    folder: Path
    environment: dict[str, str]
    known: dict[str, str] = field(default_factory=dict)
    """Values of expressions."""
    codes: dict[str, int] = field(default_factory=dict)
    log: str = ""

    def run(self, job: dict[str, Any]) -> None:
        """Its steps, until one fails."""
        for step in job["steps"]:
            name = step.get("name", step.get("uses", ""))
            if "run" in step:
                self.codes[name] = self._script(step)
                if self.codes[name]:
                    return
            elif step["uses"].startswith("actions/attest@"):
                self._attest(step)

    def _script(self, step: dict[str, Any]) -> int:
        output = self.folder.parent / f"{self.folder.name}-output"
        output.write_text("", encoding="utf-8")
        told = {name: EXPRESSION.sub(lambda found: self.known[found[1]], value) for name, value in step.get("env", {}).items()}
        environment = self.environment | told | {"GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(self.folder.parent / "summary.md")}
        done = subprocess.run(
            ["bash", "-e", "-c", step["run"]], cwd=self.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        self.log += done.stdout
        for name, _, value in (line.partition("=") for line in output.read_text(encoding="utf-8").splitlines()):
            self.known[f"steps.{step.get('id')}.outputs.{name}"] = value
        return done.returncode

    def _attest(self, step: dict[str, Any]) -> None:
        """An attestation as actions/attest writes it (a Sigstore bundle with a DSSE envelope)."""
        wanted = step["with"]
        subject, predicate = self.folder / wanted["subject-path"], self.folder / wanted["predicate-path"]
        statement = {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": subject.name, "digest": {"sha256": hashlib.sha256(subject.read_bytes()).hexdigest()}}],
            "predicateType": wanted["predicate-type"],
            "predicate": json.loads(predicate.read_bytes()),
        }
        envelope = {
            "payload": base64.b64encode(json.dumps(statement).encode()).decode(),
            "payloadType": "application/vnd.in-toto+json",
            "signatures": [{"sig": base64.b64encode(b"of nobody").decode()}],
        }
        bundle = {"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "verificationMaterial": {}, "dsseEnvelope": envelope}
        path = self.folder.parent / "attestation.json"
        path.write_text(json.dumps(bundle), encoding="utf-8")
        self.known[f"steps.{step['id']}.outputs.bundle-path"] = str(path)


GH = """\
#!/bin/sh
echo "$@" > "$GH_ASKED"
test -n "$GH_TOKEN" && test "$1 $2" = "attestation verify" && test -f "$3" && test "$4" = --bundle && test -f "$5"
"""


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Machine, Machine]]:
    """The runners of the two jobs, the first of which has run."""
    root = tmp_path_factory.mktemp("signed")
    programs = root / "bin"
    programs.mkdir()
    for name, text in {"gh": GH, "pipx": "#!/bin/sh\nexit 0\n"}.items():
        (programs / name).write_text(text, encoding="utf-8")
        (programs / name).chmod(0o755)
    (programs / "policycheck").symlink_to(Path(sys.executable).parent / "policycheck")
    folders = root / "evidence", root / "audit"
    for folder in folders:
        folder.mkdir()
    (folders[0] / "policies").mkdir()
    (folders[0] / "policies" / "weekly.yaml").write_text(POLICY, encoding="utf-8")
    environment = {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "HOME": str(root), "GITHUB_REPOSITORY": "example-org/backups"}
    with serve(sample_store()) as endpoint:
        environment |= {"GH_ASKED": str(root / "gh-asked"), **endpoint.environment}
        first, second = (Machine(folder, environment, {"github.token": "token"}) for folder in folders)
        first.run(WORKFLOW["jobs"]["evidence"])
    hand_over(first, second)
    yield first, second


def hand_over(first: Machine, second: Machine) -> None:
    """The artifact, and the outputs of the job."""
    (upload,) = (step for step in WORKFLOW["jobs"]["evidence"]["steps"] if step.get("uses", "").startswith("actions/upload-artifact@"))
    for name in upload["with"]["path"].split():
        shutil.copy(first.folder / name, second.folder / name)
    for name, value in WORKFLOW["jobs"]["evidence"]["outputs"].items():
        second.known[f"needs.evidence.outputs.{name}"] = EXPRESSION.sub(lambda found: first.known[found[1]], value)


def test_the_example_goes_from_the_fetch_to_a_bundle_that_an_auditor_verifies(machines: tuple[Machine, Machine]) -> None:
    first, second = machines
    # The sample organization has failed jobs: the rule fails, and the bundle is signed all the same.
    assert first.known["steps.check.outputs.code"] == "1"
    assert {name: code for name, code in first.codes.items() if code} == {"Fail if a rule did not pass": 1}
    assert "FAIL" in (first.folder.parent / "summary.md").read_text(encoding="utf-8").upper()
    second.run(WORKFLOW["jobs"]["audit"])
    assert set(second.codes.values()) == {0}, second.log
    assert "This agrees with result.json: 2 rules, verdict fail." in second.log
    assert "verified: evidence.zip" in second.log
    assert "evidence.sigstore.json names the digest of the archive" in " ".join(second.log.split())
    asked = (first.folder.parent / "gh-asked").read_text(encoding="utf-8")
    assert f"--repo example-org/backups --signer-workflow example-org/backups/.github/workflows/{FILE.name} --predicate-type {PREDICATE}" in asked


def test_what_was_signed_says_what_the_rules_came_to(machines: tuple[Machine, Machine]) -> None:
    first, _ = machines
    bundle = json.loads((first.folder / "evidence.sigstore.json").read_bytes())
    statement = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
    assert (statement["predicateType"], statement["predicate"]["result"]) == (PREDICATE, "FAILED")
    assert statement["predicate"]["failedTests"] == ["weekly/finished"]


def test_another_bundle_is_not_taken_for_the_signed_one(machines: tuple[Machine, Machine], tmp_path: Path) -> None:
    first, second = machines
    other = replace(second, folder=tmp_path / "audit", codes={}, log="")
    other.folder.mkdir()
    for name in ("evidence.zip", "evidence.sigstore.json"):
        shutil.copy(first.folder / name, other.folder / name)
    with (other.folder / "evidence.zip").open("ab") as stream:
        stream.write(b"\0")
    other.run(WORKFLOW["jobs"]["audit"])
    assert other.codes["The same result, with policycheck"] == 3
