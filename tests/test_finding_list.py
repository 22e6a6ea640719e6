"""Findings beyond a limit are in a file: they read as a tuple does, take next to no memory, and are never lost in silence."""

from __future__ import annotations

import errno
import io
import pickle
import tempfile
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import strategies as st

from policycheck.comparison import FindingState
from policycheck.errors import EngineError, ExitCode
from policycheck.finding_list import (
    FindingIndex,
    FindingList,
    choose,
    count_kinds,
    gather,
    make_anew,
    map_text,
    marks,
    order_by_kind,
    order_subjects,
    places_of,
    retell,
)
from policycheck.result import Finding, Severity, Waiver
from tests.formats.results import make_finding, make_job, results
from tests.many_findings import held_in_memory
from tests.properties import examples

WAIVER = Waiver("known", "platform", "2026-11-01", "2026-12-31")
_findings = st.lists(
    st.builds(
        make_finding,
        st.sampled_from("abcdefg"),
        account=st.sampled_from([None, "111122223333", "444455556666"]),
        severity=st.sampled_from(Severity),
        cause=st.sampled_from([None, "access", "other"]),
        waiver=st.sampled_from([None, WAIVER]),
        state=st.sampled_from([None, *FindingState]),
        evidence=st.sampled_from([(), (make_job("j1"),), (make_job("j1"), make_job("j2"))]),
        rows=st.lists(st.integers(0, 9), max_size=2).map(tuple),
    ),
    max_size=9,
)


@examples(_findings, st.integers(0, 9), few=30, many=1000)
def test_findings_in_a_file_read_as_a_tuple_does(findings: list[Finding], most: int) -> None:
    with held_in_memory(most):
        found = gather(iter(findings))
        assert isinstance(found, FindingList) is (len(findings) > most)
        assert found == tuple(findings) and tuple(findings) == found
        assert list(found) == findings and [one.rows for one in found] == [one.rows for one in findings]
        assert bool(found) is bool(findings) and len(found) == len(findings)
        assert [found[-number] for number in range(1, len(findings) + 1)] == findings[::-1]
        assert all(list(found[part]) == findings[part] for part in (slice(2), slice(1, 3), slice(None, None, -1), slice(9, 20)))
        assert pickle.loads(pickle.dumps(found)) == found
        with pytest.raises(IndexError):
            found[len(findings)]
        assert found != (*findings, make_finding("another"))


@examples(_findings, few=30, many=1000)
def test_what_is_asked_of_findings_in_a_file_is_answered_as_in_memory(findings: list[Finding]) -> None:
    def answers() -> list[Any]:
        found = gather(findings)
        index = FindingIndex(found)
        told = map_text(lambda one: make_finding("z", account_name="shop", message=one.message), found)
        return [
            list(choose(found, lambda kind: not kind.waived)),
            list(choose(choose(found, lambda kind: kind.waived), lambda kind: kind.severity is Severity.HIGH)),
            list(order_by_kind(found, lambda kind: kind.state is FindingState.UNCHANGED)),
            list(marks(found)),
            count_kinds(found),
            places_of(found),
            list(retell(lambda one: replace(one, subject=one.subject[::-1]), found)),
            list(marks(retell(lambda one: replace(one, subject=one.subject[::-1]), found))),
            list(retell(lambda one: replace(one, cause=f"{one.message} {one.cause}"), found)),
            list(told),
            list(make_anew(lambda one: make_finding("z", state=FindingState.NEW), found)),
            [index.find(one.account, one.region, one.subject) for one in (*findings, make_finding("another"))],
            list(gather(findings, lambda: order_subjects((one.account, one.region, one.subject) for one in findings))),
        ]

    with held_in_memory(len(findings)):
        wanted = answers()
    with held_in_memory(0):
        assert answers() == wanted


def test_subjects_with_one_mark_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("policycheck.finding_list.subject_mark", lambda *_: 1)
    findings = [make_finding("a"), make_finding("b"), make_finding("a", message="the last")]
    monkeypatch.setattr("policycheck.finding_file.subject_mark", lambda *_: 1)
    index = FindingIndex(findings)
    found = [index.find(one.account, one.region, one.subject) for one in findings]
    assert [one and one.message for one in found] == ["the last", findings[1].message, "the last"]
    assert index.find("111122223333", "eu-west-1", "c") is None


@examples(results, few=10, many=300)
def test_arbitrary_findings_are_read_back_as_they_were(result: Any) -> None:
    with held_in_memory(0):
        for rule in result.rules:
            assert gather(rule.findings) == rule.findings


def test_a_finding_in_a_file_takes_few_bytes() -> None:
    def made(count: int) -> Iterator[Finding]:
        # Texts that no two findings share.
        return (make_finding(f"i-{number:017}", message=f"{number} " * 50, jobs=(f"job-{number}",), rows=(number,)) for number in range(count))

    def peak(count: int) -> int:
        tracemalloc.start()
        try:
            found = gather(made(count))
            assert sum(len(one.message) for one in found) > 100 * count
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    with held_in_memory(100):
        peak(200)
        first, second = peak(500), peak(2500)
    assert second - first < 2000 * 100, "100 bytes for each more"


class Full:
    """A file on a disk without space."""

    def __init__(self, room: int) -> None:
        self.room = room

    def write(self, content: memoryview) -> int:
        if not self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = min(self.room, len(content))
        self.room -= written
        return written

    def close(self) -> None:
        pass


def test_a_file_that_takes_a_few_bytes_at_a_time_loses_none(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(io.BytesIO):
        def write(self, content: Any) -> int:
            return super().write(content[:7])

    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: Slow())
    findings = [make_finding(f"i-{number}") for number in range(9)]
    with held_in_memory(3):
        assert list(gather(findings)) == findings


@pytest.mark.parametrize("room", [0, 100, 10_000])
def test_a_full_disk_is_an_error(room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: Full(room))
    with held_in_memory(3), pytest.raises(EngineError, match="do not fit into a temporary file: No space left on device") as raised:
        gather(make_finding(f"i-{number}") for number in range(1000))
    assert raised.value.exit_code is ExitCode.EVIDENCE and "TMPDIR" in raised.value.hint


def test_a_folder_that_cannot_be_written_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: Any) -> None:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    with held_in_memory(0), pytest.raises(EngineError, match="no temporary file can be made"):
        gather([make_finding()])
