"""What must hold between the verdicts on two bodies of evidence of which one is made from the other, for rules of every kind."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import mkdtemp
from typing import Any

from hypothesis import strategies as st

from assurance.matrix.documents import documents_of, plain
from assurance.matrix.judging import RANKS
from assurance.matrix.judging import judge as judge_variant
from assurance.matrix.kinds.mixed import Mixed
from assurance.matrix.kinds.registry import KINDS
from assurance.matrix.kinds.values import TwoValues
from assurance.matrix.organization import ACCOUNTS, AS_OF, Organization
from assurance.matrix.variant import Claim
from assurance.matrix.world import World
from policycheck.api import check, load
from policycheck.datasets import DATASETS, JOB_LISTS
from policycheck.errors import PolicycheckError
from policycheck.result import Verdict
from tests.assurance.worlds import RECIPES, Recipe, chosen, folder, inventory, judge, rules, save, told
from tests.properties import examples

SEEDS = st.integers(0, 2**32)


@examples(RECIPES, SEEDS, few=2, many=150)
def test_another_violating_job_never_turns_a_fail_into_a_pass(recipe: Recipe, seed: int) -> None:
    organization = recipe.make()
    names = chosen(Random(seed), 12)
    before = judge(organization, names)
    for rule in before.rules:
        (dataset,) = {name for name in rule.lists if any(job in ids_of(organization, name) for found in rule.findings for job in found.jobs)} or {""}
        if rule.verdict is not Verdict.FAIL or not dataset:
            continue
        wanted = {job for found in rule.findings for job in found.jobs}
        id_field = DATASETS[dataset].id_field
        again = [later(record, id_field) for record in organization.lists[dataset] if record[id_field] in wanted]
        lists = {**organization.lists, dataset: [*organization.lists[dataset], *again]}
        after = judge(organization, [rule.policy], save(documents_of(lists, with_coverage=True), "more"))
        assert after.rules[0].verdict is Verdict.FAIL, (rule.policy, sorted(wanted))


def ids_of(organization: Organization, dataset: str) -> set[str]:
    return {record[DATASETS[dataset].id_field] for record in organization.lists[dataset]}


def later(record: dict[str, Any], id_field: str) -> dict[str, Any]:
    """A job like it, half a second later."""
    created = datetime.fromisoformat(record["CreationDate"]) + timedelta(milliseconds=500)
    return {**record, id_field: f"{record[id_field]}-again", "CreationDate": created.isoformat()}


NONE = (
    "no FAILED, ABORTED, EXPIRED or PARTIAL jobs within {}",
    "no jobs with issues within {}",
    "no jobs with duration more than 2h within {}",
    "IAM role must not contain admin within {}",
    "no FAILED or PARTIAL copy jobs within {}",
    "no copy jobs with CrossAccount false within {}",
    "no FAILED or ABORTED restore jobs within {}",
    "no jobs with (IsEncrypted false, or StartDelay more than 1h) within {}",
    "no jobs may run between 04:00 and 23:00 in UTC within {}",
)


@examples(RECIPES, SEEDS, few=3, many=150)
def test_a_wider_window_loses_no_finding_of_a_none_rule(recipe: Recipe, seed: int) -> None:
    organization = recipe.make()
    luck = Random(seed)
    sentence, hours = luck.choice(NONE), sorted(luck.sample(range(1, 200), 3))
    policy = folder() / "none.yaml"
    policy.write_text(json.dumps({"policy": "none", "rules": [{"id": f"h{hour}", "rule": sentence.format(f"{hour}h")} for hour in hours]}), encoding="utf-8")
    result = check(policy, save(documents_of(organization.lists, with_coverage=luck.random() < 0.5), "complete"), as_of=AS_OF)
    jobs = [{job for found in rule.findings for job in found.jobs} for rule in result.rules]
    assert jobs[0] <= jobs[1] <= jobs[2], (sentence, hours)


@examples(RECIPES, SEEDS, few=2, many=150)
def test_renamed_accounts_rename_findings_and_change_no_verdict(recipe: Recipe, seed: int) -> None:
    organization = recipe.make()
    luck = Random(seed)
    names, covered = chosen(luck), luck.random() < 0.5
    before = told(judge(organization, names, covered=covered))
    new = dict(zip(ACCOUNTS, luck.sample([f"{number:012}" for number in luck.sample(range(10**11, 10**12), 4)], 4), strict=True))

    def rename(text: str) -> str:
        for old, name in new.items():
            text = text.replace(old, name)
        return text

    home = folder() / "renamed"
    home.mkdir(exist_ok=True)
    paths = save(documents_of(organization.lists, with_coverage=covered), "complete")
    policies = [home / f"{name}.yaml" for name in names]
    for path, name in zip(policies, names, strict=True):
        path.write_text(rename((folder() / "rules" / f"{name}.yaml").read_text(encoding="utf-8")), encoding="utf-8")
    for path in paths:
        path.write_text(rename(path.read_text(encoding="utf-8")), encoding="utf-8")
    after = check(load(policies), paths, as_of=AS_OF, inventories={"prod": inventory(organization, rename)})
    expected = {name: (verdict, sorted(renamed(one, rename) for one in found)) for name, (verdict, found) in before.items()}
    assert told(after) == expected


def renamed(found: tuple[str, str, str, tuple[str, ...], bool], rename: Callable[[str], str]) -> tuple[str, str, str, tuple[str, ...], bool]:
    account, region, subject, jobs, waived = found
    return rename(account), region, rename(subject), tuple(sorted(map(rename, jobs))), waived


@examples(RECIPES, SEEDS, few=2, many=150)
def test_order_and_repetition_change_nothing_and_splitting_gains_no_pass(recipe: Recipe, seed: int) -> None:
    organization = recipe.make()
    luck = Random(seed)
    names = [name for name in chosen(luck, 8) if rules().lists[name] <= JOB_LISTS.keys()]
    whole = {dataset: organization.lists[dataset] for dataset in JOB_LISTS}
    before = told(judge(organization, names, covered=False))
    shuffled = [
        (dataset, plain(dataset, [dict(luck.sample(list(job.items()), len(job))) for job in luck.sample(jobs, len(jobs))])) for dataset, jobs in whole.items()
    ]
    assert told(judge(organization, names, save(luck.sample(shuffled, 3), "shuffled"))) == before
    twice = [*shuffled, *((dataset, plain(dataset, luck.sample(jobs, len(jobs)))) for dataset, jobs in whole.items())]
    assert told(judge(organization, names, save(luck.sample(twice, 6), "twice"))) == before
    parts = [(dataset, plain(dataset, part)) for dataset, jobs in whole.items() for part in split(jobs, luck)]
    after = told(judge(organization, names, save(luck.sample(parts, len(parts)), "split")))
    assert [name for name in names if RANKS[Verdict(after[name][0])] > RANKS[Verdict(before[name][0])]] == []


def shuffle(jobs: list[dict[str, Any]], luck: Random) -> list[dict[str, Any]]:
    """The jobs and their members in another order."""
    return [dict(luck.sample(list(job.items()), len(job))) for job in luck.sample(jobs, len(jobs))]


def split(jobs: list[dict[str, Any]], luck: Random) -> list[list[dict[str, Any]]]:
    parts: list[list[dict[str, Any]]] = [[] for _ in range(luck.randint(2, 4))]
    for job in jobs:
        luck.choice(parts).append(job)
    return [part for part in parts if part]


@examples(RECIPES, SEEDS, few=2, many=150)
def test_a_waiver_makes_no_pass_and_once_expired_is_as_if_it_had_never_been(recipe: Recipe, seed: int) -> None:
    organization = recipe.make()
    names = [name for name in chosen(Random(seed), 8) if not rules().policies[name].waivers]
    files = save(documents_of(organization.lists, with_coverage=True), "complete")

    def waived(expires: str) -> Any:
        signed = {"match": "any", "reason": "r", "owner": "o", "granted": "2026-10-20", "expires": expires}
        grants = [{"rule": f"{name}/{rules().policies[name].rules[0].id}", **signed} for name in names]
        path = folder() / "waivers.yaml"
        path.write_text(json.dumps({"waivers": grants}), encoding="utf-8")
        policies = load([folder() / "rules" / f"{name}.yaml" for name in names], waivers=[path])
        return told(check(policies, files, as_of=AS_OF, inventories={"prod": inventory(organization)}))

    before = told(judge(organization, names, files))
    assert waived("2026-11-19") == before
    for name, (verdict, found) in waived("2026-11-20").items():
        assert verdict in ({"waived", "inconclusive"} if before[name][0] == "fail" else {before[name][0]}), name
        assert [one[:4] for one in found] == [one[:4] for one in before[name][1]]


@examples(RECIPES, SEEDS, few=1, many=300)
def test_removed_evidence_gains_no_pass(recipe: Recipe, seed: int) -> None:
    """Of what shows that it was removed; the matrix asks the rest of the second evaluation."""
    luck = Random(seed)
    home = Path(mkdtemp(dir=folder()))
    world = World(recipe.make(), luck.random() < 0.5, home, rules())
    kind = luck.choice([kind for kind in KINDS.values() if kind.count(world)])
    number = luck.randrange(kind.count(world))
    variant = kind.variant(world, number)
    if variant.claim is not Claim.AS_ORACLE:
        assert judge_variant(world, kind.name, number, variant, home).breaches == ()


@examples(RECIPES, SEEDS, few=2, many=150)
def test_engines_agree_on_what_is_left_of_an_organization(recipe: Recipe, seed: int) -> None:
    organization = recipe.make()
    luck = Random(seed)
    home = Path(mkdtemp(dir=folder()))
    world = World(organization, False, home, rules())
    kind = luck.choice((TwoValues(), Mixed()))
    files = {**world.files, **kind.variant(world, luck.randrange(kind.count(world))).files}
    paths: list[Path] = []
    for dataset, content in files.items():
        assert isinstance(content, bytes)
        paths.append(home / f"{dataset}.json")
        paths[-1].write_bytes(content)
    names = [name for name in chosen(luck) if rules().lists[name] <= JOB_LISTS.keys()]

    def answer(engine: str) -> Any:
        try:
            result = judge(organization, names, paths, engine=engine)
        except PolicycheckError as error:
            return str(error)
        return told(result), [(rule.reason, rule.notes, rule.examined, rule.possible, rule.pending, rule.undecided) for rule in result.rules]

    assert answer("duckdb") == answer("polars")
