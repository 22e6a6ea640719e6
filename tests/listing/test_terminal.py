"""What a terminal gets of untrusted text, and that a pipe gets every text as AWS gave it. The terminal is a real one: a pseudo-terminal."""

from __future__ import annotations

import json
import os
import pty
import sys
import threading
import tty
from collections.abc import Callable, Iterator

import pytest
from ruamel.yaml import YAML

from policycheck.cli.app import run
from policycheck.text import REPLACEMENT, clean
from tests.hostile import CORPUS
from tests.listing.documents import read_text
from tests.sources.conftest import aws, no_aws, pauses
from tests.sources.loopback import REGION, endpoint, job, pages

__all__ = ["aws", "no_aws", "pauses"]
pytestmark = pytest.mark.usefixtures("aws", "pauses")

Shown = Callable[..., str]
MESSAGES = [message.encode(errors="replace").decode() for message in CORPUS.values() if len(message) < 1000]
"""Without surrogates, which no text of an answer holds, and without long ones, which make every row of a table long."""
UNSAFE = [message for message in MESSAGES if clean(message) != message.replace("\r\n", "\n")]
MESSAGE_OF_EACH = ("--query", "BackupJobs[].[BackupJobId,StatusMessage]")
FORMS = ["json", "text", "table", "yaml", "yaml-stream"]
QUERIES: list[tuple[str, ...]] = [(), MESSAGE_OF_EACH, ("--query", "BackupJobs[1].StatusMessage")]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    (page,) = pages([job(number, StatusMessage=message) for number, message in enumerate(MESSAGES)], len(MESSAGES))
    with endpoint(lambda _, __: page) as served:
        yield served.url


@pytest.fixture
def piped(url: str, capsysbinary: pytest.CaptureFixture[bytes]) -> Shown:
    """What a list prints into a pipe."""

    def call(*options: str) -> str:
        assert run(["list-backup-jobs", "--endpoint-url", url, "--region", REGION, *options]) == 0
        return capsysbinary.readouterr().out.decode()

    return call


@pytest.fixture
def shown(url: str, monkeypatch: pytest.MonkeyPatch) -> Shown:
    """What a list prints on a terminal."""

    def call(*options: str) -> str:
        master, slave = pty.openpty()
        tty.setraw(slave)
        received = bytearray()

        def read() -> None:
            while True:
                try:
                    received.extend(os.read(master, 65536))
                except OSError:  # the other end was closed
                    return

        reader = threading.Thread(target=read)
        reader.start()
        with monkeypatch.context() as patch, os.fdopen(slave, "w", encoding="utf-8") as stream:
            patch.setattr(sys, "stdout", stream)
            code = run(["list-backup-jobs", "--endpoint-url", url, "--region", REGION, "--color", "off", *options])
        reader.join()
        os.close(master)
        assert code == 0
        return received.decode()

    return call


def test_the_corpus_has_something_to_hide() -> None:
    assert len(UNSAFE) > 20


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("form", FORMS)
def test_nothing_steers_a_terminal(form: str, query: tuple[str, ...], shown: Shown) -> None:
    out = shown("--output", form, *query)
    assert out
    assert clean(out) == out


def test_what_was_replaced_is_seen(shown: Shown) -> None:
    for form in ("text", "table"):
        assert shown("--output", form, *MESSAGE_OF_EACH).count(REPLACEMENT) == sum(clean(message).count(REPLACEMENT) for message in MESSAGES)


def test_json_says_the_same_on_a_terminal_and_in_a_pipe(shown: Shown, piped: Shown) -> None:
    for query in QUERIES:
        on_terminal, in_pipe = shown("--output", "json", *query), piped("--output", "json", *query)
        assert json.loads(on_terminal) == json.loads(in_pipe)
        assert on_terminal != in_pipe or query == QUERIES[-1]  # whose one message JSON escapes everywhere


def test_a_pipe_gets_every_text_as_it_is(piped: Shown) -> None:
    messages = [record["StatusMessage"] for record in json.loads(piped())["BackupJobs"]]
    assert messages == MESSAGES
    assert "".join(f"{job(number)['BackupJobId']}\t{message}\n" for number, message in enumerate(MESSAGES)) == piped("--output", "text", *MESSAGE_OF_EACH)
    table = piped("--output", "table", *MESSAGE_OF_EACH)
    assert all(message in table for message in UNSAFE)
    assert [row[1] for row in YAML(typ="safe", pure=True).load(piped("--output", "yaml", *MESSAGE_OF_EACH))] == MESSAGES


@pytest.mark.parametrize("form", FORMS)
def test_a_sample_of_the_output_steers_no_terminal_either(form: str, shown: Shown) -> None:
    out = shown("--generate-cli-skeleton", "output", "--output", form, "--query", "['\x1b[2J', '\u202e', '\x9b2J']")
    assert out
    assert clean(out) == out


def test_a_text_is_one_cell_on_a_terminal(shown: Shown) -> None:
    assert read_text(shown("--output", "text", "--query", "BackupJobs[0].[StatusMessage,State]")) == [[REPLACEMENT, "COMPLETED"]]
