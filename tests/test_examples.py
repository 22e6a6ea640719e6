"""The pipelines and gates of `examples`, as far as this machine can run them: their schemas, and their commands in a shell as the CI system starts it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from policycheck.drafting.project import PIPELINES
from tests.cli.conftest import AS_OF, job, save

EXAMPLES = Path(__file__).parents[1] / "examples"
CI = EXAMPLES / "ci"
BIN = Path(sys.executable).parent
SHELLS = {
    # As each system starts a script: GitLab and Jenkins stop at the first error, and so does CircleCI; Azure Pipelines does not.
    "gitlab": ["sh", "-e"],
    "azure": ["bash", "--noprofile", "--norc"],
    "circleci": ["bash", "-eo", "pipefail"],
    "jenkins": ["sh", "-xe"],
}
WRITES = {
    "gitlab": {"gl-code-quality-report.json", "policycheck-junit.xml", "policycheck-result.json"},
    "azure": {"reports/junit.xml", "reports/result.json", "reports/report.html"},
    "circleci": {"reports/junit/policycheck.xml", "reports/result.json", "reports/report.html"},
    "jenkins": {"reports/junit.xml", "reports/result.json", "reports/report.html"},
}
SCHEMAS = {"github": "github-workflows", "gitlab": "gitlab-ci", "azure": "azure-pipelines", "circleci": "circle-ci"}
POLICY = "policy: p\nrules:\n  - {id: ended-well, rule: 'no FAILED, ABORTED, EXPIRED or PARTIAL jobs within 25h', severity: high}\n"
TESTS = f"""\
as_of: {AS_OF}
tests:
  - {{name: a failure is found, jobs: [{{ResourceArn: i-1, State: FAILED}}], expect: {{ended-well: {{verdict: fail, findings: [i-1]}}}}}}
"""


def load(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def scripts(system: str) -> list[str]:
    """What the system runs, a script each, in order."""
    text = (CI / PIPELINES[system][0]).read_text(encoding="utf-8")
    if system == "jenkins":
        return [re.sub(r"(?m)^ +", "", script) for script in re.findall(r"sh '''\n(.*?)'''", text, re.DOTALL)]
    document = load(text)
    if system == "gitlab":
        return ["\n".join([*document["policycheck"]["before_script"], *document["policycheck"]["script"]])]
    if system == "azure":
        return [
            script.replace("$(POLICYCHECK)", document["variables"]["POLICYCHECK"])
            for step in document["steps"]
            for script in (step.get("script"), step.get("inputs", {}).get("inlineScript"))
            if script
        ]
    return [step["run"]["command"] for step in document["jobs"]["policycheck"]["steps"] if "run" in step]


def program(folder: Path, name: str, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    (folder / name).chmod(0o755)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository with a run file, a policy with its test, and a job list; programs that install things only say so."""
    folder = tmp_path / "project"
    (folder / "policies").mkdir(parents=True)
    (folder / "policies" / "p.yaml").write_text(POLICY, encoding="utf-8")
    (folder / "policies" / "p.test.yaml").write_text(TESTS, encoding="utf-8")
    (folder / "policycheck.yaml").write_text(f"policies: [policies/]\nsources: {{jobs: [jobs.json], as_of: '{AS_OF}'}}\n", encoding="utf-8")
    save(folder / "jobs.json", job(1))
    program(tmp_path / "bin", "pip", 'test "$3" = "policycheck @ https://github.com/YOUR_ORG/policycheck/archive/' + "0" * 40 + '.tar.gz" && echo installed')
    program(tmp_path / "bin", "python3", 'test "$*" = "-m venv .policycheck"')
    return folder


def run(command: list[str], script: str, folder: Path, **more: str) -> tuple[int, str]:
    file = folder.parent / "script"
    file.write_text(script, encoding="utf-8")
    environment = {"PATH": f"{folder.parent / 'bin'}:{BIN}:{os.environ['PATH']}", "HOME": str(folder.parent), "LANG": "C.UTF-8", **more}
    done = subprocess.run(
        [*command, str(file)], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, check=False
    )
    return done.returncode, done.stdout


def play(system: str, folder: Path) -> tuple[int, str]:
    """All scripts of a system up to the first that fails."""
    token = folder.parent / "token"
    variables = {
        "POLICYCHECK": f"policycheck @ https://github.com/YOUR_ORG/policycheck/archive/{'0' * 40}.tar.gz",
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(token),
        "GITLAB_OIDC_TOKEN": "x",
        "CIRCLE_OIDC_TOKEN": "x",
    }
    printed = ""
    for script in scripts(system):
        code, said = run(SHELLS[system], script, folder, **variables)
        printed += said
        if code:
            return code, printed
    return 0, printed


@pytest.mark.slow
@pytest.mark.parametrize("system", SHELLS)
def test_a_pipeline_is_green_and_then_red_and_leaves_its_reports(system: str, project: Path) -> None:
    code, printed = play(system, project)
    assert code == 0, printed
    assert "installed" in printed
    assert "1 test: 1 passed, 0 failed" in printed
    save(project / "jobs.json", job(1, "FAILED"))
    for name in WRITES[system]:
        (project / name).unlink()
    code, printed = play(system, project)
    assert code == 1, printed
    assert {name for name in WRITES[system] if (project / name).is_file()} == WRITES[system]


@pytest.mark.slow
@pytest.mark.parametrize("system", SHELLS)
def test_a_pipeline_checks_nothing_with_a_policy_that_is_wrong(system: str, project: Path) -> None:
    (project / "policies" / "p.yaml").write_text(POLICY.replace("FAILED", "FALIED"), encoding="utf-8")
    code, printed = play(system, project)
    assert code == 2, printed
    assert not any((project / name).exists() for name in WRITES[system])


def test_every_pipeline_publishes_the_files_that_its_commands_write() -> None:
    assert {*SHELLS, "github"} == set(PIPELINES)
    for system, files in WRITES.items():
        text = (CI / PIPELINES[system][0]).read_text(encoding="utf-8")
        written = set(re.findall(r"--add-output \w+=(\S+)", text))
        assert written == files
        assert all(text.count(name) > 1 or f"{name.partition('/')[0]}/**" in text or re.search(r"(path|publish): reports", text) for name in files)


def validate(system: str, path: Path) -> tuple[int, str]:
    command = [BIN / "check-jsonschema", "--builtin-schema", f"vendor.{SCHEMAS[system]}", "--regex-variant", "nonunicode", path]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=300, check=False)
    return done.returncode, done.stdout + done.stderr


def as_known(system: str, text: str) -> str:
    """The schema of Azure Pipelines knows no task of an extension: the script of such a task is validated as a step of its own."""
    if system != "azure":
        return text
    document = load(text)
    steps = document["steps"]
    document["steps"] = [
        {"bash": step["inputs"]["inlineScript"], "displayName": step["displayName"]} if step.get("task") == "AWSShellScript@1" else step for step in steps
    ]
    assert document["steps"] != steps
    return json.dumps(document)


@pytest.mark.slow
@pytest.mark.parametrize("system", SCHEMAS)
def test_a_pipeline_is_what_the_schema_of_its_system_takes(system: str, tmp_path: Path) -> None:
    text = as_known(system, (CI / PIPELINES[system][0]).read_text(encoding="utf-8"))
    path = tmp_path / ("pipeline.json" if system == "azure" else "pipeline.yml")
    path.write_text(text, encoding="utf-8")
    code, said = validate(system, path)
    assert code == 0, said
    broken = {
        "github": ("runs-on", "runs-onn"),
        "gitlab": ("when: always", "when: allways"),
        "azure": ('"JUnit"', '"JUnitt"'),
        "circleci": ("docker:", "dockker:"),
    }[system]
    path.write_text(text.replace(*broken), encoding="utf-8")
    assert validate(system, path)[0] == 1


PLACEHOLDERS = re.compile(r"(?:uses: |github\.com/)(\S+?)/policycheck\b")


def test_no_example_names_a_repository_or_bucket_that_could_be_real() -> None:
    texts = {
        path: path.read_text(encoding="utf-8")
        for folder in (EXAMPLES, EXAMPLES.parent / "docs")
        for path in folder.rglob("*")
        if path.suffix in {".yml", ".yaml", ".md"}
    }
    texts[CI / "Jenkinsfile"] = (CI / "Jenkinsfile").read_text(encoding="utf-8")
    named = {owner for text in texts.values() for owner in PLACEHOLDERS.findall(text)}
    # No name of an owner on GitHub, and none of a bucket, has an underscore or a capital letter beside it.
    assert named == {"YOUR_ORG"}
    assert "example-org" not in "".join(texts.values())


GATES: Mapping[str, tuple[list[str], str]] = {
    "terraform": (["ARN"], "terraform apply -input=false deploy.tfplan"),
    "cdk": (["Orders", "ARN"], "npx cdk deploy Orders --app cdk.deploy --require-approval never"),
    "ecs": (["shop", "orders", "migrate:7", "orders:42", "ARN"], "aws ecs update-service --cluster shop --service orders --task-definition orders:42"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", GATES)
def test_a_deployment_follows_its_backup_and_does_not_happen_without_one(name: str, project: Path) -> None:
    database = "arn:aws:ec2:eu-west-1:111122223333:instance/i-1"
    arguments, deploys = GATES[name]
    arguments = [database if argument == "ARN" else argument for argument in arguments]
    stands_in, log = project.parent / "bin", project / "log"
    said = f'echo "$(basename $0) $*" >> {log}\n'
    program(stands_in, "terraform", said + '[ "$1" != plan ] || exit ${PLANNED-2}')
    program(stands_in, "npx", said)
    program(stands_in, "aws", said + 'case "$*" in *run-task*) echo task-1;; *describe-tasks*) echo ${MIGRATED-0};; esac')
    # The lists of the test in place of waiting: the options that wait are left out.
    program(stands_in, "policycheck", f'{said}exec {BIN}/policycheck "$1" "$2" "$3" "$4" --no-config --jobs jobs.json --as-of {AS_OF} --quiet')
    variables = {"BACKUP_VAULT": "prod", "BACKUP_ROLE_ARN": "arn:aws:iam::111122223333:role/AWSBackup"}

    def deploy(**more: str) -> tuple[int, list[str]]:
        log.write_text("", encoding="utf-8")
        environment = {**variables, **more, "PATH": f"{stands_in}:{os.environ['PATH']}"}
        command = [str(EXAMPLES / "gate" / f"{name}.sh"), *arguments]
        done = subprocess.run(command, cwd=project, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, check=False)
        return done.returncode, log.read_text(encoding="utf-8").splitlines()

    save(project / "jobs.json", job(1, CreationDate="2026-11-20T05:30:00Z", CompletionDate="2026-11-20T05:40:00Z", MessageCategory="SUCCESS"))
    code, done = deploy()
    assert (code, deploys in done) == (0, True), done
    backup = f"aws backup start-backup-job --backup-vault-name prod --resource-arn {database} --iam-role-arn {variables['BACKUP_ROLE_ARN']}"
    gate = next(line for line in done if line.startswith("policycheck "))
    assert done.index(backup) < done.index(gate) < done.index(deploys)
    assert gate.endswith("--wait 60m --poll 30s")

    save(project / "jobs.json", job(1, "FAILED", CreationDate="2026-11-20T05:30:00Z", CompletionDate="2026-11-20T05:40:00Z"))
    code, done = deploy()
    assert (code, deploys in done) == (1, False), done
    if name == "terraform":
        assert deploy(PLANNED="0") == (0, [line for line in done if line.startswith("terraform plan")])
        assert deploy(PLANNED="1")[0] == 1
    if name == "ecs":
        save(project / "jobs.json", job(1, CreationDate="2026-11-20T05:30:00Z", CompletionDate="2026-11-20T05:40:00Z", MessageCategory="SUCCESS"))
        code, done = deploy(MIGRATED="3")
        assert (code, deploys in done) == (1, False), done
