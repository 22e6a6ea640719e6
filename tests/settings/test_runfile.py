"""Run files: what a good one says, every mistake of a bad one as a person reads it, and which file is taken."""

from __future__ import annotations

import json
import re
import shutil
import unicodedata
from pathlib import Path
from typing import get_args

import pytest
from jsonschema import Draft202012Validator

from policycheck.cli.diagnostics import render_diagnostic
from policycheck.cli.reports import NEVER
from policycheck.errors import RunFileError, UsageError
from policycheck.formats.registry import FORMATS
from policycheck.policy.document import read_document
from policycheck.policy.schema import ScopeEntry
from policycheck.policy.shape import plain
from policycheck.result import Severity
from policycheck.settings.finding import find_run_file
from policycheck.settings.options import OPTIONS
from policycheck.settings.runfile import RunFile, load_run_file
from policycheck.settings.schema import RunFileEntry, SourcesEntry, Threshold, run_file_schema
from policycheck.sources.connection import Connection
from tests.policy.goldens import assert_equals_golden

CASES = Path(__file__).parents[1] / "cases" / "runfiles"
BAD = sorted((CASES / "bad").glob("*.yaml"))
GOOD = sorted((CASES / "good").glob("*.yaml"))
SCHEMA = run_file_schema(list(FORMATS))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The folder of a project inside a repository."""
    (tmp_path / "repository/.git").mkdir(parents=True)
    (tmp_path / "repository/project").mkdir()
    return tmp_path / "repository/project"


def load(path: Path, project: Path, working: Path | None = None) -> RunFile:
    """The run file as it would be in the project."""
    shutil.copy(path, project / "policycheck.yaml")
    return load_run_file(project / "policycheck.yaml", "policycheck.yaml", list(FORMATS), working or project)


def diagnose(path: Path, project: Path) -> str:
    try:
        load(path, project)
    except RunFileError as error:
        return "".join(f"{render_diagnostic(diagnostic)}\n" for diagnostic in error.diagnostics)
    return ""


def spelled(run_file: RunFile) -> str:
    """What it says, by key and a line each; what it says nothing of is left out."""
    values = {OPTIONS[name].key: value for name, value in run_file.values.items()} | {"params": run_file.params or None, "scope": run_file.scope}
    return "".join(f"{key}: {values[key]}\n" for key in sorted(values) if values[key] is not None)


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_bad_run_file_says_what_is_wrong(path: Path, project: Path) -> None:
    said = diagnose(path, project)
    assert said
    assert_equals_golden(said, path.with_suffix(".expected"))


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_no_diagnostic_holds_a_control_character(path: Path, project: Path) -> None:
    said = diagnose(path, project)
    assert {character for character in said if character != "\n" and unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}} == set()


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_good_run_file_says_what_is_done(path: Path, project: Path) -> None:
    assert_equals_golden(spelled(load(path, project)), path.with_suffix(".expected"))


@pytest.mark.parametrize("number", range(2))
def test_documented_run_file_has_no_mistake(number: int, project: Path) -> None:
    page = (Path(__file__).parents[2] / "docs/run-file.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 2
    (project / "case.yaml").write_text(blocks[number], encoding="utf-8")
    assert diagnose(project / "case.yaml", project) == ""


def test_every_case_has_one_expected_text() -> None:
    for folder in ("bad", "good"):
        files = list((CASES / folder).iterdir())
        assert {path.stem for path in files if path.suffix == ".expected"} == {path.stem for path in files if path.suffix == ".yaml"}


def test_there_is_one_diagnostic_a_mistake(project: Path) -> None:
    counts = {path.stem: diagnose(path, project).count("error: ") for path in BAD}
    several = {
        "unknown-key": 2, "empty-lists": 10, "empty-source-lists": 3, "who-answers-for-aws": 4, "paths-outside": 15, "hostile": 8, "sources-of-two-kinds": 2,
        "bad-times": 2, "reversed-covers": 2, "bad-values": 10, "outputs": 4,
    }  # fmt: skip
    assert {name: count for name, count in counts.items() if count != 1} == several


def test_paths_are_relative_to_the_working_directory(project: Path) -> None:
    (project / "deep").mkdir()
    files = tuple(load(GOOD[[path.stem for path in GOOD].index("everything-saved")], project, place) for place in (project.parent, project / "deep"))
    above, below = (file.values for file in files)
    assert (above["jobs"], below["jobs"]) == (["project/jobs", "project/more.json", "s3://bucket/lists/"], ["../jobs", "../more.json", "s3://bucket/lists/"])
    assert (above["output"][1], below["output"][1]) == ("sarif=project/reports/policycheck.sarif", "sarif=../reports/policycheck.sarif")
    assert (above["inventory"], below["waivers"]) == (["prod=project/inventories/prod.csv"], ["../waivers.yaml"])
    assert [file.folder for file in files] == [Path("project"), Path("..")]


def test_what_a_path_leads_to_has_to_lie_inside(project: Path) -> None:
    (project / "out").symlink_to(project.parent.parent)
    (project / "hooks").symlink_to(project.parent / ".git")
    for text, said in [
        ("outputs: {json: out/x.json}\n", "out/x.json leads outside the run file's folder"),
        ("outputs: {json: hooks/x}\n", "hooks/x leads outside the run file's folder"),
        ("sources: {jobs: [out/jobs], as_of: now}\n", "out/jobs leads outside the repository"),
        ("sources: {jobs: [hooks], as_of: now}\n", "hooks is in the .git folder"),
        ("policies: [out]\n", "out leads outside the repository"),
        ("sources: {jobs: [out/../jobs], as_of: now}\n", ""),
    ]:
        (project / "case.yaml").write_text(text, encoding="utf-8")
        assert said in diagnose(project / "case.yaml", project)
        assert bool(said) == bool(diagnose(project / "case.yaml", project))


def test_a_policy_behind_a_link_out_of_the_repository_is_refused(project: Path) -> None:
    """Its lines would be shown under a caret."""
    (project.parent.parent / "secret.yaml").write_text("aws_secret_access_key = hidden\n", encoding="utf-8")
    (project / "policies").mkdir()
    (project / "policies/a.yaml").symlink_to(project.parent.parent / "secret.yaml")
    (project / "case.yaml").write_text("policies: [policies]\n", encoding="utf-8")
    run_file = load(project / "case.yaml", project, Path.cwd())
    with pytest.raises(RunFileError) as caught:
        run_file.find_policies()
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.message.endswith("policies/a.yaml is a link that leads outside the repository")
    assert str(diagnostic.location) == "policycheck.yaml:1:12"


def test_without_a_repository_inputs_stay_in_the_run_file_s_folder(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "case.yaml").write_text("sources: {jobs: [../jobs], as_of: now}\n", encoding="utf-8")
    assert "../jobs leads outside the run file's folder" in diagnose(tmp_path / "case.yaml", tmp_path / "project")


# Which file is taken


def test_the_nearest_run_file_is_found_upwards(project: Path) -> None:
    (project / "a/b").mkdir(parents=True)
    assert find_run_file(project / "a/b") is None
    (project.parent / "policycheck.yaml").touch()
    assert find_run_file(project / "a/b") == project.parent / "policycheck.yaml"
    (project / "a/policycheck.yaml").touch()
    assert find_run_file(project / "a/b") == project / "a/policycheck.yaml"


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_the_search_ends_at_the_root_of_a_repository(kind: str, project: Path) -> None:
    """Of a worktree or a submodule, `.git` is a file."""
    (project.parent / "policycheck.yaml").touch()
    assert find_run_file(project) is not None
    (project / ".git").mkdir() if kind == "folder" else (project / ".git").touch()
    assert find_run_file(project) is None


def test_a_folder_shared_with_everybody_is_not_looked_into_from_below(tmp_path: Path) -> None:
    (tmp_path / "shared/mine").mkdir(parents=True)
    (tmp_path / "shared/policycheck.yaml").touch()
    assert find_run_file(tmp_path / "shared/mine") == tmp_path / "shared/policycheck.yaml"
    (tmp_path / "shared").chmod(0o1777)
    assert find_run_file(tmp_path / "shared/mine") is None
    assert find_run_file(tmp_path / "shared") == tmp_path / "shared/policycheck.yaml"


def test_a_link_that_leads_nowhere_is_found(project: Path) -> None:
    """Else a run without it would take its place."""
    (project / "policycheck.yaml").symlink_to("gone.yaml")
    assert find_run_file(project) == project / "policycheck.yaml"


@pytest.mark.parametrize("name", ["policycheck.yml", ".policycheck.yaml"])
def test_a_name_that_is_nearly_right_is_not_passed_by(name: str, project: Path) -> None:
    (project / name).touch()
    (project / "deep").mkdir()
    with pytest.raises(UsageError, match=r"a run file is called policycheck\.yaml") as caught:
        find_run_file(project / "deep")
    assert caught.value.place == f"../{name}"


# Its schema


def texts(path: Path) -> object:
    return plain(read_document(path, path.name).root)


def test_schema_is_valid_and_the_documented_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert json.loads((Path(__file__).parents[2] / "docs/run-file.schema.json").read_text(encoding="utf-8")) == SCHEMA


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_good_run_file_fits_the_schema(path: Path) -> None:
    assert [error.message for error in Draft202012Validator(SCHEMA).iter_errors(texts(path))] == []


@pytest.mark.parametrize(
    "name",
    ["unknown-key", "empty-policies", "no-keys", "list-at-the-top", "empty-source-lists", "a-policy", "who-answers-for-aws", "bad-values", "outputs-in-a-list"],
)
def test_bad_run_file_does_not_fit_the_schema(name: str) -> None:
    assert not Draft202012Validator(SCHEMA).is_valid(texts(CASES / "bad" / f"{name}.yaml"))


def test_no_key_takes_null() -> None:
    files: list[dict[str, object]] = [{key: None} for key in RunFileEntry.model_fields]
    files += [{"sources": {key: None}} for key in SourcesEntry.model_fields]
    files += [{"scope": {key: None}} for key in ScopeEntry.model_fields]
    assert [document for document in files if Draft202012Validator(SCHEMA).is_valid(document)] == []


def test_every_key_is_documented() -> None:
    models = (RunFileEntry, SourcesEntry)
    assert [name for model in models for name, one in model.model_fields.items() if not (one.description or "").strip()] == []


def test_thresholds_are_the_command_line_s() -> None:
    assert list(get_args(Threshold)) == [*Severity, NEVER]


@pytest.mark.parametrize("role", ["arn:aws:iam::111122223333:role/a", "arn:aws-us-gov:iam::111122223333:role/path/A_b+=,.@-9"])
def test_a_role_that_the_file_takes_is_one_that_can_be_taken_on(role: str, project: Path) -> None:
    (project / "case.yaml").write_text(f"sources: {{role_arns: ['{role}']}}\n", encoding="utf-8")
    assert Connection(role_arns=tuple(load(project / "case.yaml", project).values["role_arn"])).role_arns == (role,)


def test_a_run_file_is_found_whatever_its_case(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "PolicyCheck.YML").touch()
    with pytest.raises(UsageError, match=r"a run file is called policycheck.yaml; PolicyCheck.YML is not read"):
        find_run_file(tmp_path)
    (tmp_path / "POLICYCHECK.YAML").touch()
    assert find_run_file(tmp_path) == tmp_path / "POLICYCHECK.YAML"
    (tmp_path / "policycheck.yaml").touch()
    assert find_run_file(tmp_path) == tmp_path / "policycheck.yaml"
