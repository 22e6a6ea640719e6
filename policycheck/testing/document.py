"""Test files to tests: what is judged, and what must come of it. Every mistake of every file in one error."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from policycheck.datasets import DATASETS
from policycheck.errors import Diagnostic, EvidenceError, Location, PolicyError
from policycheck.inventory import Inventory
from policycheck.job_lists import JobList
from policycheck.places import Place
from policycheck.policy.catalogue import is_test
from policycheck.policy.conditions import nearest
from policycheck.policy.document import Document, Entries, Items, Node, Text, read_document
from policycheck.policy.literals import parse_duration, parse_moment
from policycheck.policy.load import load_policies
from policycheck.policy.model import Policy
from policycheck.policy.shape import check_shape, find_entry, plain
from policycheck.records import RecordError, record_type
from policycheck.result import Basis, Coverage, Verdict
from policycheck.sources.interface import Evidence
from policycheck.sources.inventories import parse_inventory
from policycheck.sources.observations import merge_sources
from policycheck.testing.jobs import ACCOUNT, REGION, read_jobs
from policycheck.testing.schema import LISTS, ExpectationEntry, TestsEntry
from policycheck.text import clean_line

REACH = timedelta(days=40)
"""How far back the lists of a test reach where it does not say."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What must come of one rule; None: not asked."""

    verdict: Verdict
    findings: tuple[str, ...]
    waived: tuple[str, ...]
    reason: str | None
    cause: str | None
    location: Location


@dataclass(frozen=True, slots=True)
class PolicyTest:
    """One test, ready to run."""

    name: str
    location: Location
    policy: Policy
    as_of: datetime
    evidence: Evidence
    expected: Mapping[str, Expectation]
    """By rule id."""


def load_tests(paths: Sequence[tuple[Path, str]]) -> tuple[PolicyTest, ...]:
    """The tests of these files, in order.

    Args:
        paths: each file and what diagnostics call it.

    Raises:
        PolicyError: a test file, or a policy it tests, has a mistake; all mistakes of all files are in it.
    """
    diagnostics: list[Diagnostic] = []
    tests: list[PolicyTest] = []
    for path, name in paths:
        try:
            document = read_document(path, name)
            tests += _Reader(document, path).read()
            diagnostics += document.diagnostics
        except PolicyError as error:
            diagnostics += error.diagnostics
    if diagnostics:
        raise PolicyError(list(dict.fromkeys(diagnostics)))
    return tuple(tests)


def policy_of(path: Path) -> Path:
    """The policy that NAME.test.yaml tests where it does not say: NAME.yaml, or NAME.yml, beside it."""
    stem = path.name.removesuffix(path.suffix)[: -len(".test")] if is_test(path) else path.name.removesuffix(path.suffix)
    usual = [path.with_name(f"{stem}{suffix}") for suffix in (".yaml", ".yml")]
    if found := next((file for file in usual if file.exists()), None):
        return found
    wanted = {file.name.lower() for file in usual}
    return next((file for file in sorted(path.parent.glob("*")) if file.name.lower() in wanted), usual[0])


class _Reader:
    """Builds the tests of one file."""

    def __init__(self, document: Document, path: Path) -> None:
        self._document, self._path = document, path
        self._policies: dict[tuple[object, ...], Policy] = {}

    def read(self) -> list[PolicyTest]:
        root = self._document.root
        wrong = check_shape(TestsEntry, root)
        for one in wrong:
            self._document.report(one.location, one.message, one.hint)
        if wrong or not isinstance(root, Entries):
            return []
        listed = root.get("tests")
        if isinstance(listed, Items):
            entries = [item for item in listed.items if isinstance(item, Entries)]
            for key in (*LISTS, "expect", "name"):
                if key in root.entries:
                    self._document.report(root.entries[key][0].location, f"{key} cannot be combined with tests", "Put it into one of the tests.")
        else:
            entries = [root]
        return [test for entry in entries if (test := self._test(entry, root)) is not None]

    def _test(self, entry: Entries, root: Entries) -> PolicyTest | None:
        before = len(self._document.diagnostics)
        place = find_entry(entry, "name") if "name" in entry.entries else entry.location
        as_of = self._as_of(entry.get("as_of") or root.get("as_of"), place)
        if as_of is None:
            return None
        policy = self._policy(root, {**_params(root), **_params(entry)})
        evidence = read_evidence(entry, root, policy, as_of, self._document)
        expected = self._expected(entry, policy)
        if len(self._document.diagnostics) > before:
            return None
        name = _text(entry.get("name")) or self._path.name.partition(".")[0]
        return PolicyTest(clean_line(name), place, policy, as_of, evidence, expected)

    def _as_of(self, node: Node | None, place: Location) -> datetime | None:
        if not isinstance(node, Text):
            self._document.report(place, "the test has no as_of", "as_of: 2026-11-20T06:00:00Z")
            return None
        try:
            return parse_moment(node.text)
        except ValueError as error:
            self._document.report(node.location, f"as_of: {clean_line(str(error))}", "as_of: 2026-11-20T06:00:00Z")
            return None

    def _policy(self, root: Entries, params: Mapping[str, str]) -> Policy:
        named = _text(root.get("policy"))
        path = self._path.parent / named if named else policy_of(self._path)
        if not path.exists():
            place = find_entry(root, "policy") if named else Location(self._document.path)
            hint = "" if named else f"Name it: policy: FILE; without it the test is of {path.name}."
            raise PolicyError(
                [Diagnostic(place, f"there is no policy {clean_line(path.name)} to test", hint, self._document.line(place.line) if named else "")]
            )
        folder = Path(self._document.path).parent
        shown = (folder / named if named else folder / path.name).as_posix()
        key = (path, *sorted(params.items()))
        if key not in self._policies:
            # Most tests of a file are of one policy as it stands: read once, it is the same.
            (self._policies[key],) = load_policies([(path, shown)], params)
        return self._policies[key]

    def _expected(self, entry: Entries, policy: Policy) -> dict[str, Expectation]:
        node = entry.get("expect")
        if not isinstance(node, Entries) or not node.entries:
            self._document.report(
                find_entry(entry, "expect"), "the test expects nothing", "expect: {RULE: {verdict: fail, findings: [i-0abc]}}, or {RULE: pass}"
            )
            return {}
        rules = {rule.id for rule in policy.rules}
        return {name: self._expectation(name, key, value, rules) for name, (key, value) in node.entries.items()}

    def _expectation(self, name: str, key: Text, value: Node, rules: set[str]) -> Expectation:
        if name not in rules:
            near = nearest(name, rules)
            self._document.report(key.location, f"the policy has no rule {clean_line(name)}", f"Did you mean {near}?" if near else "")
        entry = ExpectationEntry.model_validate({"verdict": value.text} if isinstance(value, Text) else plain(value))
        if entry.verdict is Verdict.FAIL and not entry.findings:
            self._document.report(key.location, "a test of a rule that fails must list its findings", "findings: [i-0abc]")
        if entry.verdict is not Verdict.FAIL and entry.findings:
            self._document.report(key.location, f"the verdict of a rule with findings is not {entry.verdict}", "List waived findings under waived.")
        return Expectation(entry.verdict, tuple(entry.findings or ()), tuple(entry.waived or ()), entry.reason, entry.cause, key.location)


def read_evidence(entry: Entries, root: Entries, policy: Policy, as_of: datetime, document: Document) -> Evidence:
    """The lists, inventories and coverage that one test stands for; mistakes are reported.

    Args:
        entry: the test.
        root: of its file, where inventories and coverage may stand for all of its tests.
    """
    lists = {LISTS[key]: _read_list(entry.get(key), LISTS[key], as_of, document) for key in LISTS}
    inventories = _read_inventories(entry.get("inventories") or root.get("inventories"), document)
    reach = _read_reach(entry.get("covers") or root.get("covers"), document)
    return Evidence(lists, _coverage(lists, policy, as_of, as_of - reach), (), inventories=inventories)


def _read_list(node: Node | None, name: str, as_of: datetime, document: Document) -> JobList:
    dataset = DATASETS[name]
    records = read_jobs(node, dataset, as_of, document)
    try:
        decoded: list[Any] = msgspec.convert(records, list[record_type(dataset)])  # type: ignore[misc]  # the struct is made at run time
        return merge_sources([JobList.of(dataset, decoded)]).jobs
    except (msgspec.ValidationError, RecordError) as error:
        if node is not None:
            document.report(node.location, f"a {dataset.noun} of the test cannot be: {clean_line(str(error))}")
        return JobList.of(dataset, [])


def _read_inventories(node: Node | None, document: Document) -> dict[str, Inventory]:
    found: dict[str, Inventory] = {}
    for name, (key, value) in node.entries.items() if isinstance(node, Entries) else ():
        try:
            found[name] = parse_inventory(name, document.path, json.dumps(plain(value)).encode())
        except EvidenceError as error:
            document.report(key.location, error.message)
    return found


def _read_reach(node: Node | None, document: Document) -> timedelta:
    if not isinstance(node, Text):
        return REACH
    try:
        return timedelta(microseconds=parse_duration(node.text))
    except ValueError as error:
        document.report(node.location, f"covers: {error}")
        return REACH


def _params(node: Entries) -> dict[str, str]:
    params = node.get("params")
    return {key: value.text for key, (_, value) in params.entries.items() if isinstance(value, Text)} if isinstance(params, Entries) else {}


def _coverage(lists: Mapping[str, JobList], policy: Policy, as_of: datetime, start: datetime) -> tuple[Coverage, ...]:
    """Every list is whole in every place that a job or the policy's scope names: what a test leaves out did not happen."""
    seen = {place for job_list in lists.values() for place in job_list.places()}
    declared = {(account, region) for account in policy.scope.accounts or (ACCOUNT,) for region in policy.scope.regions or (REGION,)}
    places = sorted(seen | declared, key=str)
    return tuple(entry for job_list in lists.values() for entry in _covered(job_list, places, start, as_of))


def _covered(job_list: JobList, places: Sequence[Place], start: datetime, as_of: datetime) -> Iterator[Coverage]:
    counted = list(job_list.places())
    for account, region in places:
        yield Coverage(job_list.dataset.name, account, region, start, as_of, counted.count((account, region)), basis=Basis.OBSERVED, source="test")


def _text(node: Node | None) -> str | None:
    return node.text if isinstance(node, Text) else None
