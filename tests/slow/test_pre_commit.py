"""The pre-commit hooks as somebody's repository uses them: installed by pre-commit from a clone, on a good and on a bad policy."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_project import ROOT

PRE_COMMIT = Path(sys.executable).parent / "pre-commit"
GOOD = "policy: good\nrules:\n  - id: no-failed\n    rule: no FAILED, ABORTED, EXPIRED or PARTIAL jobs within 25h\n"

pytestmark = pytest.mark.slow


def run(folder: Path, *command: str | Path) -> tuple[int, str]:
    # git tells its hooks which repository they are in; this one is another.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    identity = {f"GIT_{who}_{what}": "x@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment |= {**identity, "PRE_COMMIT_HOME": str(folder.parent / "pre-commit")}
    done = subprocess.run(
        [*map(str, command)], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600, check=False
    )
    return done.returncode, done.stdout


def repository(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    assert not (folder / ".git").is_file(), "this is a work tree of another repository"
    assert run(folder, "git", "init", "--quiet")[0] == 0
    assert run(folder, "git", "add", "--all")[0] == 0
    return folder


def test_the_manifest_is_valid(tmp_path: Path) -> None:
    assert run(ROOT, PRE_COMMIT, "validate-manifest", ".pre-commit-hooks.yaml") == (0, "")
    broken = tmp_path / ".pre-commit-hooks.yaml"
    broken.write_text("- id: x\n  name: x\n", encoding="utf-8")
    assert run(tmp_path, PRE_COMMIT, "validate-manifest", broken)[0] == 1


def test_lint_takes_a_good_policy_and_refuses_a_bad_one(clean_copy: Path, tmp_path: Path) -> None:
    hooks = repository(clean_copy)
    assert run(hooks, "git", "commit", "--quiet", "--no-verify", "--message", "x")[0] == 0
    users = tmp_path / "users"
    (users / "policies").mkdir(parents=True)
    (users / "policies" / "good one.yaml").write_text(GOOD, encoding="utf-8")
    for name in ("not-a-policy.yaml", "policies/policycheck.yaml"):
        (users / name).write_text("a: b\n", encoding="utf-8")
    repository(users)
    code, said = run(users, PRE_COMMIT, "try-repo", hooks, "policycheck-lint", "--all-files", "--verbose")
    assert code == 0, said
    assert "1 policy, 1 rule: no errors" in said

    (users / "policies" / "bad.yml").write_text(GOOD.replace("FAILED", "FALIED"), encoding="utf-8")
    repository(users)
    code, said = run(users, PRE_COMMIT, "try-repo", hooks, "policycheck-lint", "--all-files")
    assert code == 1, said
    assert "bad.yml:4:" in said
    assert "did you mean failed?" in said


def test_fix_writes_the_canonical_sentence(clean_copy: Path, tmp_path: Path) -> None:
    hooks = repository(clean_copy)
    assert run(hooks, "git", "commit", "--quiet", "--no-verify", "--message", "x")[0] == 0
    users = tmp_path / "users"
    (users / "policies").mkdir(parents=True)
    policy = users / "policies" / "typed.yaml"
    policy.write_text("policy: p\nrules:\n  - id: r\n    rule: all backup jobs must succeed within the last 24 hours # daily\n", encoding="utf-8")
    repository(users)
    code, said = run(users, PRE_COMMIT, "try-repo", hooks, "policycheck-fix", "--all-files")
    assert code == 1, said
    assert "files were modified by this hook" in said
    assert policy.read_text(encoding="utf-8").endswith("    rule: Outcome must be clean within 24h # daily\n")


def test_arguments_add_to_the_hook_and_its_policies_are_those_of_the_run_file(clean_copy: Path, tmp_path: Path) -> None:
    hooks = repository(clean_copy)
    assert run(hooks, "git", "commit", "--quiet", "--no-verify", "--message", "x")[0] == 0
    commit = run(hooks, "git", "rev-parse", "HEAD")[1].strip()
    users = tmp_path / "users"
    (users / "compliance").mkdir(parents=True)
    (users / "compliance" / "a.yaml").write_text(GOOD.replace(", ABORTED, EXPIRED or PARTIAL", ""), encoding="utf-8")
    (users / "policycheck.yaml").write_text("policies: [compliance/]\n", encoding="utf-8")
    hook = "      - {id: policycheck-lint%s}\n"
    config = f"repos:\n  - repo: {hooks}\n    rev: {commit}\n    hooks:\n{hook}"
    (users / ".pre-commit-config.yaml").write_text(config % "", encoding="utf-8")
    repository(users)
    code, said = run(users, PRE_COMMIT, "run", "--all-files")
    assert code == 1, said
    assert "warning[PC101]" in said
    (users / ".pre-commit-config.yaml").write_text(config % ", args: [--fail-on, error]", encoding="utf-8")
    repository(users)
    code, said = run(users, PRE_COMMIT, "run", "--all-files", "--verbose")
    assert code == 0, said
    assert "warning[PC101]" in said
