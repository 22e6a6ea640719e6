"""The matrix: a slice of it, and that it notices a program that claims more than its evidence shows."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

import pytest

from assurance.matrix.__main__ import as_table, main
from assurance.matrix.fetches import FetchFault, lists_lost
from assurance.matrix.held import HeldWorld, expect
from assurance.matrix.inventories import InventoriedWorld
from assurance.matrix.judging import Breach, Outcome, judge
from assurance.matrix.kinds.registry import KINDS
from assurance.matrix.kinds.values import Loss, lose
from assurance.matrix.oracle import Oracle
from assurance.matrix.organization import NAMES, PLACES
from assurance.matrix.reports import ReportedWorld
from assurance.matrix.sampling import Tally
from assurance.matrix.variant import Claim, pair, pairs
from assurance.matrix.waiving import WaivedWorld
from assurance.matrix.world import World, make_world
from policycheck.datasets import JOB_LISTS
from policycheck.job_lists import JobList
from policycheck.recordings import Recording
from policycheck.result import Verdict
from tests.assurance.worlds import folder, rules


@cache
def world(name: str, *, covered: bool) -> World:
    return make_world(2 * NAMES.index(name) + covered, 1, folder(), rules())


def breaches(where: World, kind: str, most: int, *, again: bool = True) -> list[Breach]:
    """The claims that some variants of a kind do not keep; `again`: also those that a second evaluation decides, which takes seconds to prepare."""
    count = KINDS[kind].count(where)
    variants = [(number, KINDS[kind].variant(where, number)) for number in Random(1).sample(range(count), min(count, most))]
    chosen = [(number, variant) for number, variant in variants if again or variant.claim is not Claim.AS_ORACLE]
    return [breach for number, variant in chosen for breach in judge(where, kind, number, variant, folder()).breaches]


FEW = ("record", "two records", "value", "two columns", "list reduced to two members", "two accounts, Regions or places", "two lists", "cut file")


def test_a_slice_of_the_matrix_keeps_every_claim() -> None:
    assert [breach for kind in FEW for breach in breaches(world("failed", covered=True), kind, 2, again=False)] == []


def test_every_rule_fails_or_passes_somewhere_so_that_it_can_gain_a_pass() -> None:
    sound = world("sound", covered=True).verdicts
    assert {name for name, verdict in sound.items() if verdict is not Verdict.PASS} == {"audit-manager.air-gapped", "aws-backup-baseline.windows-consistent"}


def _know_what_is_missing(job_list: JobList) -> tuple[dict[Recording, int], list[int]]:
    members = job_list.dataset.members
    every = frozenset((*(member.name for member in members), *(member.name.partition(".")[0] for member in members)))
    return {Recording(every, every, whole=True): 0}, [0] * len(job_list)


_UNREACHED = "policycheck.engine.verdict.unreached_window"
_UNCOVERED = "policycheck.engine.verdict.uncovered_scope"
_MUTANTS: list[tuple[str, Callable[..., Any], str, bool, str]] = [
    ("places that were never read are no matter", lambda *_: [], _UNCOVERED, False, "account, Region or place"),
    ("nor are lists that reach too short", lambda *_: [], _UNREACHED, False, "two records"),
    ("what is missing never was", _know_what_is_missing, "policycheck.job_lists.JobList.numbered_recordings", True, "column"),
    ("YAML is never cut off", lambda *_: None, "policycheck.sources.containers.find_text_end", False, "cut YAML file"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("_", "wrong", "where", "covered", "kind"), _MUTANTS, ids=[mutant[0] for mutant in _MUTANTS])
def test_a_program_that_claims_too_much_is_noticed(_: str, wrong: Callable[..., Any], where: str, covered: bool, kind: str) -> None:
    found = world("failed", covered=covered)
    with patch(where, wrong):
        assert breaches(found, kind, 150 if kind == "cut YAML file" else 64)


def test_json_lines_cut_after_their_first_record_are_no_list() -> None:
    found = world("failed", covered=False)
    variants = (KINDS["cut file"].variant(found, number) for number in range(KINDS["cut file"].count(found)))
    assert next(variant.what for variant in variants if variant.lone).startswith("backup_jobs as JSON lines, cut after 1358 of")


@pytest.mark.slow
def test_a_loss_of_a_vault_beside_one_of_a_job_is_judged_by_the_rules_on_jobs() -> None:
    found = world("failed", covered=True)
    variant = lose(found, [Loss("vaults", 0, "Locked", "gone"), Loss("backup_jobs", 3, "CreatedBy", "gone")])
    assert variant.claim is Claim.AS_ORACLE
    assert judge(found, "two values", 0, variant, folder()).breaches == ()


@pytest.mark.slow
def test_what_is_kept_of_the_second_evaluation_changes_none_of_its_verdicts() -> None:
    found = world("expired", covered=False)
    names = sorted(found.repeatable)
    jobs = found.organization.lists["backup_jobs"]
    parts = [jobs, jobs[1:], jobs[:-3], [{**jobs[0], "State": "RUNNING"}, *jobs[1:]], jobs]
    kept = [found.oracle.judge(names, JOB_LISTS.keys(), {"backup_jobs": part}, {}) for part in parts]
    anew = [Oracle(found.document, copy.deepcopy(found.organization.lists)).judge(names, JOB_LISTS.keys(), {"backup_jobs": part}, {}) for part in parts]
    assert kept == anew
    assert len({json.dumps(verdicts) for verdicts in kept}) > 1


SIDES: dict[str, Callable[[World], tuple[int, Callable[[int], Outcome]]]] = {
    "reports": lambda found: counted(ReportedWorld(found.organization, found.rules, folder())),
    "inventories": lambda found: counted(InventoriedWorld(found)),
    "waivers": lambda found: counted(WaivedWorld(found)),
    "held": lambda found: counted(HeldWorld(found.organization, found.rules, folder())),
}


def counted(side: ReportedWorld | InventoriedWorld | WaivedWorld | HeldWorld) -> tuple[int, Callable[[int], Outcome]]:
    return len(side.variants), side.judge


def side_breaches(side: str, where: World, most: int) -> list[Breach]:
    count, judge_one = SIDES[side](where)
    return [breach for number in Random(1).sample(range(count), most) for breach in judge_one(number).breaches]


@pytest.mark.slow
@pytest.mark.parametrize("side", SIDES)
def test_what_lies_beside_job_lists_keeps_every_claim(side: str) -> None:
    assert side_breaches(side, world("failed", covered=False), 60) == []


@pytest.mark.slow
def test_a_program_for_which_unread_places_are_no_matter_is_noticed_in_lists_of_what_there_is() -> None:
    with patch(_UNCOVERED, lambda *_: []):
        assert side_breaches("held", world("sound", covered=False), 60)


VAULTS = [{"BackupVaultArn": f"arn:aws:backup:{region}:{account}:backup-vault:prod", "Locked": True} for account, region in PLACES]
LOCKS: list[tuple[list[dict[str, Any]], str]] = [
    (VAULTS, "pass"),
    (VAULTS[1:], "inconclusive"),
    ([{**VAULTS[0], "Locked": False}, *VAULTS[2:]], "fail"),
    ([{"BackupVaultArn": VAULTS[0]["BackupVaultArn"]}, *VAULTS[1:]], "inconclusive"),
]


@pytest.mark.parametrize(("vaults", "verdict"), LOCKS)
def test_the_second_evaluation_of_vaults(vaults: list[dict[str, Any]], verdict: str) -> None:
    assert expect("held.vaults", {"vaults": vaults}) == verdict


def test_pairs_are_each_pair_once() -> None:
    found = [pair(number, 7) for number in range(pairs(7))]
    assert len(set(found)) == pairs(7) == 21
    assert all(0 <= first < second < 7 for first, second in found)


FAULTS = [
    ("ListBackupJobs", "", False, "denied", {"backup_jobs"}),
    ("ListBackupJobs", "111122223333/eu-west-1", True, "500", {"backup_jobs"}),
    ("ListBackupJobs", "", False, "500", set()),
    ("ListBackupVaults", "", True, "truncated", {"vaults", "recovery_points"}),
    ("ListCopyJobs", "", True, "short:1", set()),
    ("GetCallerIdentity", "", True, "denied", set()),
]


@pytest.mark.parametrize(("operation", "place", "lasting", "fault", "lost"), FAULTS)
def test_what_a_fault_takes_away(operation: str, place: str, lasting: bool, fault: str, lost: set[str]) -> None:
    assert lists_lost(FetchFault(operation, place, 1, lasting, fault)) == lost


@pytest.mark.slow
def test_a_run_writes_every_number(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "numbers.json"
    assert main(["--most", "20", "--workers", "1", "--only", "list", "--json", str(path)]) == 0
    numbers = json.loads(path.read_text(encoding="utf-8"))
    assert (numbers["worlds"], numbers["breaches"]) == (2 * len(NAMES), [])
    assert f"| list | {numbers['possible']['list']:,} | {numbers['checked']['list']:,} |" in capsys.readouterr().out


def test_a_table_counts_what_was_checked() -> None:
    tally = Tally()
    tally.possible["value"], tally.checked["value"], tally.refused["value"], tally.verdicts["value"] = 1000, 20, 5, 60
    tally.breaches = [Breach("sound", "value", number, "", Claim.NO_GAIN, "rule", "fail", said) for number, said in enumerate(("pass", "inconclusive"))]
    assert as_table(tally).splitlines()[2:] == ["| value | 1,000 | 20 | 5 | 15 | 60 | 1 | 2 |", "| **all** | 1,000 | 20 | 5 | 15 | 60 | 1 | 2 |"]
