"""The command itself: where parameters come from, what is sent, what is said on stderr, and how it exits."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from policycheck import __version__
from policycheck.cli.app import run
from policycheck.datasets import DATASETS
from policycheck.sources.operations import read_operation
from tests.sources.conftest import aws, no_aws, pauses
from tests.sources.loopback import REGION, Endpoint, endpoint, job, pages

__all__ = ["aws", "no_aws", "pauses"]
pytestmark = pytest.mark.usefixtures("aws", "pauses")

Ran = tuple[int, str, str]
List = Callable[..., Ran]


@pytest.fixture
def served() -> Iterator[Endpoint]:
    ready = pages([job(number) for number in range(5)], 2)
    with endpoint(lambda _, query: ready[int(query.get("nextToken", "token-0").removeprefix("token-")) // 2]) as running:
        yield running


@pytest.fixture
def listed(served: Endpoint, capsys: pytest.CaptureFixture[str]) -> List:
    def call(*options: str, command: str = "list-backup-jobs") -> Ran:
        code = run([command, "--endpoint-url", served.url, "--region", REGION, *options])
        return code, *capsys.readouterr()

    return call


def test_every_parameter_of_the_model_is_an_option() -> None:
    for dataset in DATASETS.values():
        operation = read_operation(dataset)
        assert {parameter.name for parameter in operation.parameters} == set(operation.sample_input()) - {"NextToken", "MaxResults"}
        assert all(parameter.documentation for parameter in operation.parameters)


def test_version_is_policychecks_own(served: Endpoint, listed: List) -> None:
    assert listed("--version") == (0, f"policycheck {__version__}\n", "")
    assert served.asked == []


def test_each_option_is_sent_as_its_parameter(served: Endpoint, listed: List) -> None:
    options = {"--by-resource-arn": "arn:x", "--by-state": "FAILED", "--by-backup-vault-name": "v", "--by-resource-type": "EC2", "--by-account-id": "*"}
    options |= {"--by-parent-job-id": "p", "--by-message-category": "m", "--page-size": "3"}
    options |= {"--by-created-before": "2026-10-20", "--by-created-after": "1600721892", "--by-complete-before": "2026-10-20T00:00:00+02:00"}
    assert listed(*(part for pair in options.items() for part in pair))[0] == 0
    sent = {"resourceArn": "arn:x", "state": "FAILED", "backupVaultName": "v", "resourceType": "EC2", "accountId": "*", "parentJobId": "p"}
    sent |= {"messageCategory": "m", "maxResults": "3", "createdAfter": "2020-09-21T20:58:12Z", "completeBefore": "2026-10-19T22:00:00Z"}
    assert served.asked[0].items() >= sent.items()


def test_the_command_line_wins_over_input_files(served: Endpoint, listed: List, tmp_path: Path) -> None:
    (tmp_path / "in.yaml").write_text("ByState: FAILED\nByResourceType: EBS\n", encoding="utf-8")
    (tmp_path / "type").write_text("EC2", encoding="utf-8")
    assert listed("--cli-input-yaml", f"file://{tmp_path}/in.yaml", "--by-resource-type", f"file://{tmp_path}/type")[0] == 0
    assert served.asked[0] == {"state": "FAILED", "resourceType": "EC2"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--cli-input-json", "{}", "--cli-input-yaml", "{}"], "exclude each other"),
        (["--cli-input-json", "{"], "not JSON"),
        (["--cli-input-json", "[]"], "an object of parameters is required"),
        (["--cli-input-json", '{"ByColor": "red"}'], "Unknown parameter in input"),
        (["--cli-input-yaml", "a: ["], "not YAML"),
        (["--by-state", "file:///no/such/file"], "cannot read /no/such/file"),
        (["--by-created-after", "soon"], "Invalid type for parameter ByCreatedAfter"),
        (["--query", "["], "not a JMESPath expression"),
        (["--no-paginate", "--max-items", "3"], "--max-items: not without pagination"),
        (["--cli-input-json", '{"MaxResults": 3}', "--page-size", "3"], "--page-size: not without pagination"),
        (["--output", "xml"], "there is no such form"),
        (["--starting-token", "eyJNYXJrZXIiOiAieCJ9"], "not a token of this list"),
        (["--cli-auto-prompt"], "has no prompt"),
        (["--with-coverage", "--query", "x"], "exclude each other"),
        (["--with-coverage", "--output", "text"], "--with-coverage is for --output json"),
        (["--region", "us-east-1", "--max-items", "3"], "several Regions or roles"),
        (["--account-id", "111122223333", "--by-account-id", "444455556666"], "different accounts"),
        (["--nope"], "No such option"),
        (["--by-resource-arn", "--debug"], "--by-resource-arn: a value is required, not --debug"),
        (["--by-state", "fileb:///dev/null"], "--by-state: fileb:// is for binary values"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_sent(options: list[str], said: str, served: Endpoint, listed: List) -> None:
    code, out, err = listed(*options)
    assert (code, out, served.asked) == (2, "", [])
    assert said in err


@pytest.mark.parametrize(
    ("environment", "options", "codes"),
    [
        ({"AWS_ACCESS_KEY_ID": ""}, [], (3, 253)),
        ({}, ["--profile", "nobody"], (3, 255)),
        ({}, ["--nope"], (2, 252)),
        ({}, ["--no-paginate", "--max-items", "3"], (2, 252)),
        ({}, ["--endpoint-url", "http://127.0.0.1:1"], (3, 255)),
        ({}, ["--query", "length(NoSuchMember)"], (2, 255)),
    ],
)
def test_exit_codes_are_ours_or_those_of_the_aws_cli(
    environment: dict[str, str], options: list[str], codes: tuple[int, int], listed: List, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert (listed(*options)[0], listed(*options, "--aws-exit-codes")[0]) == codes


def test_output_and_times_follow_the_profile_and_the_environment(listed: List, no_aws: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_aws.write_text("[default]\noutput = text\ncli_timestamp_format = wire\n", encoding="utf-8")
    assert listed("--max-items", "1")[1].startswith("BACKUPJOBS\t")
    monkeypatch.setenv("AWS_DEFAULT_OUTPUT", "json")
    (found,) = json.loads(listed("--max-items", "1")[1])["BackupJobs"]
    assert found["CreationDate"] == job(0)["CreationDate"]


def test_times_are_iso_8601_in_the_zone_of_the_machine(listed: List) -> None:
    (found,) = json.loads(listed("--max-items", "1")[1])["BackupJobs"]
    from botocore.utils import parse_timestamp

    assert found["CompletionDate"] == parse_timestamp(job(0)["CompletionDate"]).isoformat()


def test_a_list_that_goes_on_says_so_on_stderr(listed: List) -> None:
    code, out, err = listed("--no-paginate", "--query", "length(BackupJobs)")
    assert (code, out) == (0, "2\n")
    assert "there are more jobs" in err
    _, out, err = listed("--max-items", "2")
    assert json.loads(out)["NextToken"] in err
    assert listed()[2] == ""


def test_options_that_change_nothing_are_named(listed: List) -> None:
    _, _, err = listed("--cli-binary-format", "base64", "--no-cli-pager", "--no-cli-auto-prompt", "--color", "on")
    assert [line.split(" changes")[0] for line in err.splitlines()] == [
        "note: --cli-binary-format",
        "note: --color",
        "note: --no-cli-pager",
        "note: --no-cli-auto-prompt",
    ]


def test_debug_shows_requests_and_never_a_credential(listed: List, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = {"AWS_ACCESS_KEY_ID": "short-key-id", "AWS_SECRET_ACCESS_KEY": "short-secret", "AWS_SESSION_TOKEN": "short-token"}
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    _, _, err = listed("--debug", "--by-state", "FAILED")
    assert err.count("status 200") == 3
    assert "state=FAILED" in err
    assert not any(value in err for value in (*secrets.values(), "Signature", "token-2"))


@pytest.mark.parametrize(("value", "first"), [([], "{"), (["input"], "{"), (["yaml-input"], "NextToken:"), (["output"], "{")])
def test_skeletons_send_nothing(value: list[str], first: str, served: Endpoint, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    assert run(["list-copy-jobs", "--generate-cli-skeleton", *value]) == 0
    assert capsys.readouterr().out.startswith(first)
    assert served.asked == []


@pytest.mark.parametrize(("kind", "option"), [("input", "--cli-input-json"), ("yaml-input", "--cli-input-yaml")])
def test_a_skeleton_is_input_once_it_is_filled_in(kind: str, option: str, served: Endpoint, listed: List, capsys: pytest.CaptureFixture[str]) -> None:
    run(["list-backup-jobs", "--generate-cli-skeleton", kind])
    sample = capsys.readouterr().out
    for empty, filled in (
        ("MaxResults: 0", "MaxResults: 7"),
        ('"MaxResults": 0', '"MaxResults": 7'),
        ('Token": ""', 'Token": "token-0"'),
        ("n: ''", "n: token-0"),
    ):
        sample = sample.replace(empty, filled)
    assert listed(option, sample)[0] == 0
    assert served.asked[0]["maxResults"] == "7"
