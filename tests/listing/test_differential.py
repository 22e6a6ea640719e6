"""policycheck against the AWS CLI itself: the same answer to the same command line, on the emulator and on a second AWS Backup.

The command lines are data, in cases.yaml and errors.yaml. How many were compared is printed after the tests.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.certificates import write_certificate
from tests.listing.combinations import ENDPOINTS, KEYS, PAGE, Combination, combinations, endpoints
from tests.listing.conftest import Bench
from tests.listing.documents import READERS, read_json, read_text
from tests.listing.programs import Done, Program, plain_aws_1, plain_policycheck
from tests.listing.second_backup import serve_second_backup

ALL = list(combinations())
ERRORS: list[dict[str, Any]] = YAML(typ="safe", pure=True).load(Path(__file__).with_name("errors.yaml"))

Count = Callable[[str, object], None]
"""Tells the summary what was compared with which program."""


# Answers


def cases(*, fast: bool, version: int) -> list[Any]:
    return [pytest.param(entry, id=str(entry)) for entry in ALL if entry.fast is fast and version in entry.against]


def ask(bench: Bench, programs: Sequence[Program], combination: Combination) -> list[Done]:
    options = bench.world.arguments(combination.options)
    arguments = [f"list-{combination.command}", *options, "--endpoint-url", bench.urls[combination.endpoint], "--output", combination.output]
    return bench.run_each(programs, arguments, bench.world.environment(timestamps=combination.timestamps, zone=combination.zone))


def compare(bench: Bench, version: int, combination: Combination, count: Count) -> Done:
    """Both work, and say the same; the answer of aws."""
    theirs, ours = ask(bench, [bench.aws(version), bench.ours], combination)
    assert theirs.code == 0, theirs.stderr
    assert ours.code == 0, ours.stderr
    read = READERS[combination.output]
    assert read(ours.stdout) == read(theirs.stdout)
    # The same emitter and the same order; of a skeleton, the comments are worded otherwise.
    assert not combination.output.startswith("yaml") or "yaml-input" in combination.options or ours.stdout == theirs.stdout
    count("compared", bench.aws(version).name)
    return theirs


def number_of_jobs(combination: Combination, answer: Done) -> int:
    return len(json.loads(answer.stdout)[KEYS[combination.command]])


@cache
def number_of_all_jobs(bench: Bench, unfiltered: Combination) -> int:
    (done,) = ask(bench, [bench.aws_1], unfiltered)
    return number_of_jobs(unfiltered, done)


@pytest.mark.parametrize("combination", cases(fast=True, version=1))
def test_the_same_answer_as_aws_1_fast(combination: Combination, bench: Bench, record_property: Count) -> None:
    compare(bench, 1, combination, record_property)


@pytest.mark.slow
@pytest.mark.parametrize("combination", cases(fast=False, version=1))
def test_the_same_answer_as_aws_1(combination: Combination, bench: Bench, record_property: Count) -> None:
    theirs = compare(bench, 1, combination, record_property)
    if combination.selective:
        assert 0 < number_of_jobs(combination, theirs) < number_of_all_jobs(bench, replace(combination, group="", options="", selective=False))


@pytest.mark.slow
@pytest.mark.parametrize("combination", cases(fast=False, version=2))
def test_the_same_answer_as_aws_2(combination: Combination, bench: Bench, record_property: Count) -> None:
    compare(bench, 2, combination, record_property)


@pytest.mark.slow
@pytest.mark.parametrize("output", READERS)
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_times_are_by_default_those_of_aws_2(endpoint: str, output: str, bench: Bench, record_property: Count) -> None:
    arguments = ["list-backup-jobs", "--endpoint-url", bench.urls[endpoint], "--output", output]
    theirs, ours = bench.run_each([bench.aws_2, bench.ours], arguments, bench.world.environment(timestamps="none"))
    assert READERS[output](ours.stdout) == READERS[output](theirs.stdout)
    record_property("compared", bench.aws_2.name)


@pytest.mark.slow
@pytest.mark.parametrize("output", ["text", "table", "yaml", "yaml-stream"])
def test_output_of_the_environment_and_of_the_profile(output: str, bench: Bench, record_property: Count) -> None:
    config = bench.world.folder / f"output-{output}"
    config.write_text(f"[default]\noutput = {output}\n", encoding="utf-8")
    base = ["list-backup-jobs", "--endpoint-url", bench.urls["second"]]
    settings: list[dict[str, str]] = [{"AWS_CONFIG_FILE": str(config)}, {"AWS_DEFAULT_OUTPUT": output}]
    for arguments, variables in product([base, [*base, "--generate-cli-skeleton", "output"]], settings):
        theirs, ours = bench.run_each([bench.aws_2, bench.ours], arguments, bench.world.environment(**variables))
        assert (ours.code, theirs.code) == (0, 0), ours.stderr + theirs.stderr
        assert READERS[output](ours.stdout) == READERS[output](theirs.stdout)
        record_property("compared", bench.aws_2.name)


# Tokens


@pytest.mark.slow
@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("paging", ["--page-size 4 --max-items 7", "--page-size 5 --max-items 5", "--max-items 11", "--page-size 40 --max-items 13"])
@pytest.mark.parametrize("command", KEYS)
def test_either_goes_on_from_the_others_token(command: str, paging: str, endpoint: str, bench: Bench, record_property: Count) -> None:
    """Both go on from the token that the one and the other printed in turn: at each they list the same, and in the end every job once."""
    key, token, found, turn = KEYS[command], "", [], 0
    base = [f"list-{command}", "--endpoint-url", bench.urls[endpoint]]
    while token is not None:
        arguments = [*base, *paging.split(), *(["--starting-token", token] if token else [])]
        answers = bench.run_each([bench.ours, bench.aws_1], arguments)
        assert [answer.code for answer in answers] == [0, 0], answers[0].stderr + answers[1].stderr
        documents = [read_json(answer.stdout) for answer in answers]
        assert documents[0] == documents[1]
        found += documents[0][key]
        token, turn = documents[turn % 2].get("NextToken"), turn + 1
        record_property("compared", bench.aws_1.name)
    assert found == read_json(bench.run(bench.aws_1, base).stdout)[key]
    assert turn > 3


@pytest.mark.slow
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_a_token_of_no_paginate_is_the_services_own(endpoint: str, bench: Bench, record_property: Count) -> None:
    base = ["list-backup-jobs", "--endpoint-url", bench.urls[endpoint]]
    token = read_json(bench.run(bench.ours, [*base, "--no-paginate"]).stdout)["NextToken"]
    for option in ("--next-token", "--starting-token"):
        theirs, ours = bench.run_each([bench.aws_1, bench.ours], [*base, option, token])
        assert bool(ours.code) == bool(theirs.code)
        assert read_json(ours.stdout) == read_json(theirs.stdout)
        record_property("compared", bench.aws_1.name)


# Errors


def errors(*, fast: bool) -> list[Any]:
    chosen = [entry for entry in ERRORS if entry.get("fast", False) is fast]
    return [pytest.param(entry, id=f"{entry.get('command', 'list-backup-jobs')} {entry['options']} {entry.get('environment', '')}".strip()) for entry in chosen]


def fail(bench: Bench, programs: Sequence[Program], error: Mapping[str, Any], *options: str) -> list[Done]:
    output = [] if "--output" in error["options"] else ["--output", "json"]
    url = error.get("url", bench.urls["second"])
    arguments = [error.get("command", "list-backup-jobs"), *bench.world.arguments(error["options"]), "--endpoint-url", url, *output, *options]
    return bench.run_each(programs, arguments, bench.world.environment(**error.get("environment", {})))


def assert_clear(done: Done, code: int) -> None:
    """A message on stderr, nothing on stdout, no traceback."""
    assert done.code == code, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert "error: " in done.stderr


def compare_errors(bench: Bench, error: Mapping[str, Any], versions: Sequence[int], count: Count) -> None:
    ours, *theirs = fail(bench, [bench.ours, *map(bench.aws, versions)], error)
    for version, done in zip(versions, theirs, strict=True):
        assert done.code == error[f"aws {version}"], done.stderr
        count("compared", bench.aws(version).name)
    assert_clear(ours, error["ours"])
    (as_aws,) = fail(bench, [bench.ours], error, "--aws-exit-codes")
    assert_clear(as_aws, error.get("as aws", error["aws 2"]))


@pytest.mark.parametrize("error", errors(fast=True))
def test_errors_fast(error: dict[str, Any], bench: Bench, record_property: Count) -> None:
    compare_errors(bench, error, [1], record_property)


@pytest.mark.slow
@pytest.mark.parametrize("error", errors(fast=False))
def test_errors(error: dict[str, Any], bench: Bench, record_property: Count) -> None:
    compare_errors(bench, error, [1, 2], record_property)


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "version"), [("truncated", 1), ("html", 2), ("cut", 2)])
def test_a_page_that_is_missing(fault: str, version: int, bench: Bench, record_property: Count) -> None:
    """The one difference: aws prints the pages it has and exits with 0. (Version 1 has noticed a connection that was cut since botocore 1.43.)"""

    def run(program: Program, *options: str) -> Done:
        with endpoints(faults=[f"ListBackupJobs:2-={fault}"]) as urls:
            return bench.run(program, ["list-backup-jobs", "--endpoint-url", urls["emulator"], *options])

    theirs = run(bench.aws(version), "--output", "json")
    assert (theirs.code, len(json.loads(theirs.stdout)["BackupJobs"])) == (0, PAGE)
    assert_clear(run(bench.ours), 3)
    assert_clear(run(bench.ours, "--aws-exit-codes"), 255)
    partial = run(bench.ours, "--partial")
    assert partial.code == 3
    document = read_json(partial.stdout)
    # What aws leaves out too: that there is more.
    assert document.pop("NextToken")
    assert document == read_json(theirs.stdout)
    record_property("compared", bench.aws(version).name)


# Options whose meaning is not in the answer


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_certificate(tmp_path_factory.mktemp("tls") / "certificate.pem")


@pytest.mark.slow
@pytest.mark.parametrize(("options", "works"), [("", False), ("--ca-bundle $certificate", True), ("--no-verify-ssl", True)])
def test_tls_options(options: str, works: bool, certificate: Path, bench: Bench, record_property: Count) -> None:
    with serve_second_backup(certificate=certificate) as served:
        arguments = ["list-backup-jobs", "--endpoint-url", served.url, *options.replace("$certificate", str(certificate)).split()]
        theirs, ours = bench.run_each([bench.aws_1, bench.ours], arguments)
    if works:
        assert (theirs.code, ours.code) == (0, 0), ours.stderr
        assert read_json(ours.stdout) == read_json(theirs.stdout)
    else:
        assert theirs.code == 255
        assert_clear(ours, 3)
    record_property("compared", bench.aws_1.name)


@pytest.mark.slow
def test_an_endpoint_that_never_answers(bench: Bench, record_property: Count) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        arguments = ["list-backup-jobs", "--endpoint-url", f"http://127.0.0.1:{server.getsockname()[1]}", "--cli-read-timeout", "1"]
        theirs, ours = bench.run_each([bench.aws_1, bench.ours], arguments)
    assert theirs.code == 255
    assert_clear(ours, 3)
    record_property("compared", bench.aws_1.name)


# How the programs are run


@pytest.mark.slow
@pytest.mark.parametrize("output", ["json", "text", "table"])
def test_processes_of_their_own_say_the_same_as_forks(output: str, bench: Bench) -> None:
    arguments = ["list-backup-jobs", "--endpoint-url", bench.urls["second"], "--output", output, "--page-size", "7", "--max-items", "10"]
    for forked, plain in ((bench.ours, plain_policycheck()), (bench.aws_1, plain_aws_1())):
        assert bench.run(plain, arguments) == bench.run(forked, arguments)


@pytest.mark.slow
def test_a_run_leaves_nothing_to_the_next(bench: Bench) -> None:
    arguments = ["list-backup-jobs", "--endpoint-url", bench.urls["second"], "--query", "BackupJobs[0].CreationDate", "--output", "text"]
    zones = ["Asia/Tokyo", "America/St_Johns", "Asia/Tokyo"]
    said = [bench.run(bench.ours, arguments, bench.world.environment(timestamps="iso8601", zone=zone)).stdout for zone in zones]
    assert read_text(said[0])[0][0].endswith("+09:00")
    assert said[0] == said[2] != said[1]
