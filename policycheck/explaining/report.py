"""Explanations as text and as JSON. Whatever a policy or a job list says is cleaned here once more."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from policycheck.engine.outcomes import JobTrace, Step, SubjectOutcome, SubjectTrace
from policycheck.explaining.explanation import Explanation, write_yaml
from policycheck.explaining.samples import AS_OF, Sample
from policycheck.formats.layout import Page
from policycheck.policy.model import Policy, Rule
from policycheck.records import iso, moment
from policycheck.result import RuleResult
from policycheck.text import clean, clean_line, counted

SCHEMA = "policycheck/explanation/1"
MARKS = {True: "✓ true   ", False: "✗ false  ", None: "? unknown"}
_WORDS = {True: "true", False: "false", None: "unknown"}
_STYLES = {True: "pass", False: "error", None: "inconclusive"}
_LONGEST_EXPRESSION = 600
_MOST_SUBJECTS = 50


class ExplanationPage:
    """The text of one explanation."""

    def __init__(self, *, width: int, color: bool) -> None:
        self._page = Page(width=width, color=color)

    def text(self) -> str:
        """All of it."""
        return self._page.text()

    # The rule

    def add_rule(self, policy: Policy, rule: Rule) -> None:
        """Which rule it is, and what it says."""
        page = self._page
        page.add(page.paint("strong", clean_line(f"{policy.id}/{rule.id}")) + f"  {rule.severity}  {clean_line(str(rule.location))}")
        page.add_wrapped("  ", clean_line(rule.sentence))
        if rule.title:
            page.add_wrapped("  ", rule.title)

    def add_explanation(self, explained: Explanation, *, expression: bool) -> None:
        """What the rule says and means, and how it shows."""
        page = self._page
        self.add_rule(explained.policy, explained.rule)
        self._head("evaluates")
        for name, text in explained.population:
            page.add_wrapped(f"  {name:<9} ", text)
        self._list("fails for", explained.failure)
        self._list("needs", explained.needs)
        self._list("is inconclusive if", explained.doubt)
        self._list("with nothing to evaluate", [explained.no_data])
        self._samples(explained)
        self._head("structured form")
        self._block(explained.structured)
        self._about(explained)
        self._expressions(explained, whole=expression)

    def _head(self, text: str) -> None:
        self._page.add()
        self._page.add(self._page.paint("strong", text))

    def _list(self, head: str, lines: Iterable[str]) -> None:
        self._head(head)
        for line in lines:
            self._page.add_wrapped("  - ", line)

    def _block(self, text: str) -> None:
        for line in clean(text).rstrip("\n").split("\n"):
            self._page.add(f"  {line}")

    def _samples(self, explained: Explanation) -> None:
        self._head(f"a sample that fails, evaluated at {iso(AS_OF)}")
        if explained.failing is None:
            self._page.add_wrapped("  ", "no sample was found. The rule might not be able to fail. Write a test that shows that it can.")
        else:
            self._sample(explained.failing)
        self._head("a sample that passes")
        if explained.passing is None:
            self._page.add_wrapped("  ", "no sample was found. The rule might not be able to pass.")
        else:
            self._sample(explained.passing)

    def _sample(self, sample: Sample) -> None:
        self._block(write_yaml(sample.entry))
        told = [f"{finding.subject}: {finding.message}" for finding in sample.result.findings] or [f"{counted(sample.result.examined, 'job')} examined"]
        for line in told:
            self._page.add_wrapped(f"  {sample.result.verdict}: ", clean_line(line))

    def _about(self, explained: Explanation) -> None:
        rule, page = explained.rule, self._page
        controls = [f"{name} {', '.join(ids)}" for name, ids in sorted(rule.controls.items())]
        facts = [("why", rule.why), ("fix", rule.fix), ("url", rule.url), ("controls", "; ".join(controls)), ("tags", ", ".join(rule.tags))]
        if any(text for _, text in facts):
            self._head("about it")
            for name, text in facts:
                if text:
                    page.add_wrapped(f"  {name:<9} ", clean_line(text))
        self._list("waivers", [_waiver_line(explained, number) for number in range(len(explained.waivers))] or ["none"])
        self._list("tests", _test_lines(explained))

    def _expressions(self, explained: Explanation, *, whole: bool) -> None:
        self._head("compiled")
        for name, written in explained.expressions:
            short = len(written) <= _LONGEST_EXPRESSION or whole
            self._page.add_wrapped(f"  {name:<9} ", clean_line(written) if short else f"{len(written):,} characters: --expression prints them")
        if not explained.expressions:
            self._page.add("  nothing: every job is in the population")

    # What became of it

    def add_result(self, result: RuleResult, instant: str) -> None:
        """The verdict of the rule on the evidence."""
        self._page.add()
        judged = f"{counted(result.examined, 'job')} examined, {counted(result.subjects, 'subject')}"
        told = f"{result.verdict}" + (f": {result.reason}" if result.reason else "")
        self._page.add_wrapped(f"{instant}: ", clean_line(f"{told}; {judged}"), indent=2)

    def add_subjects(self, subjects: Sequence[SubjectOutcome]) -> None:
        """Who could be asked about."""
        self._head("subjects")
        for subject in subjects[:_MOST_SUBJECTS]:
            self._page.add_wrapped(f"  {subject.outcome:<18} ", f"{subject.subject}  {_place(subject)}".rstrip())
        if len(subjects) > _MOST_SUBJECTS:
            self._page.add(f"  and {len(subjects) - _MOST_SUBJECTS:,} more: --output json lists them")
        self._page.add("Select one with --subject TEXT (the end of its name) or --job ID." if subjects else "  none")

    def add_trace(self, trace: SubjectTrace) -> None:
        """Why one subject passed or failed."""
        page, subject = self._page, trace.subject
        page.add()
        page.add_wrapped("", f"{subject.subject}  {_place(subject)}: {subject.outcome}", style="strong")
        for line in (*trace.measured, *trace.listed):
            page.add_wrapped("  - ", line)
        for job in trace.jobs:
            created = "at an unknown time" if job.created is None else iso(moment(job.created))
            page.add_wrapped("  ", f"{job.id}, created {created}, {job.state or 'state unknown'}: {job.outcome}", style="strong")
            for step in job.steps:
                self._step(step, 4)
        if older := len(subject.jobs) - len(trace.jobs):
            page.add(f"  {older:,} {'job' if older == 1 else 'jobs'} more: --last N shows the newest N, --job ID one")

    def _step(self, step: Step, indent: int) -> None:
        told = f"{step.asked} (seen: {step.seen})" if step.seen else step.asked
        self._page.add_wrapped(f"{' ' * indent}{MARKS[step.truth]} ", clean_line(told), style=_STYLES[step.truth])
        for inner in step.steps:
            self._step(inner, indent + 2)


def _place(subject: SubjectOutcome) -> str:
    return "/".join(part for part in (subject.account, subject.region) if part)


def _waiver_line(explained: Explanation, number: int) -> str:
    grant = explained.waivers[number]
    ticket = f", {grant.waiver.ticket}" if grant.waiver.ticket else ""
    return clean_line(f"{grant.location}: {grant.waiver.reason} ({grant.waiver.owner}{ticket}), in force from {grant.granted} to {grant.expires}")


def _test_lines(explained: Explanation) -> list[str]:
    tests = explained.tests
    if tests.problem:
        return [f"the tests could not be read: {clean_line(tests.problem)}"]
    lines = [f"{test.place} {test.name}: expects {test.expected}, {'passes' if test.passed else f'does not pass: {test.verdict}'}" for test in tests.naming]
    if not tests.naming:
        lines = ["no test names it" if tests.files else "there are none (NAME.test.yaml beside the policy)"]
    return [clean_line(line) for line in lines] + ["a test makes it fail" if tests.fired else "no test makes it fail, so nothing shows that it can"]


# JSON


def explanation_document(explained: Explanation) -> dict[str, Any]:
    """The explanation as JSON has it."""
    rule, tests = explained.rule, explained.tests
    return {
        "schema": SCHEMA,
        "id": rule.id,
        "policy": explained.policy.id,
        "sentence": rule.sentence,
        "severity": rule.severity,
        "title": rule.title,
        "location": {"path": rule.location.path, "line": rule.location.line, "column": rule.location.column},
        "structured": explained.structured,
        "population": dict(explained.population),
        "fails_for": list(explained.failure),
        "needs": list(explained.needs),
        "inconclusive_where": list(explained.doubt),
        "no_data": explained.no_data,
        "samples": {"fail": _sample(explained.failing), "pass": _sample(explained.passing)},
        "why": rule.why,
        "fix": rule.fix,
        "url": rule.url,
        "controls": {name: list(ids) for name, ids in rule.controls.items()},
        "tags": list(rule.tags),
        "waivers": [
            {
                "reason": grant.waiver.reason,
                "owner": grant.waiver.owner,
                "ticket": grant.waiver.ticket,
                "granted": str(grant.granted),
                "expires": str(grant.expires),
                "location": str(grant.location),
            }
            for grant in explained.waivers
        ],
        "tests": {
            "problem": tests.problem,
            "seen_to_fail": tests.fired,
            "naming": [
                {"name": test.name, "place": test.place, "expected": test.expected, "verdict": test.verdict, "passed": test.passed} for test in tests.naming
            ],
        },
        "expressions": dict(explained.expressions),
    }


def _sample(sample: Sample | None) -> dict[str, Any] | None:
    if sample is None:
        return None
    findings = [{"subject": finding.subject, "message": finding.message} for finding in sample.result.findings]
    return {"as_of": iso(AS_OF), "test": sample.entry, "verdict": sample.result.verdict, "findings": findings}


def outcome_document(result: RuleResult, subjects: Sequence[SubjectOutcome], traces: Sequence[SubjectTrace], as_of: str) -> dict[str, Any]:
    """What became of the rule, its subjects, and those that were asked about."""
    return {
        "as_of": as_of,
        "verdict": result.verdict,
        "reason": result.reason,
        "examined": result.examined,
        "subjects": [{"account": subject.account, "region": subject.region, "subject": subject.subject, "outcome": subject.outcome} for subject in subjects],
        "traces": [_trace(trace) for trace in traces],
    }


def _trace(trace: SubjectTrace) -> dict[str, Any]:
    subject = trace.subject
    return {
        "account": subject.account,
        "region": subject.region,
        "subject": subject.subject,
        "outcome": subject.outcome,
        "measured": list(trace.measured),
        "listed": list(trace.listed),
        "jobs": [_job(job) for job in trace.jobs],
    }


def _job(job: JobTrace) -> dict[str, Any]:
    created = None if job.created is None else iso(moment(job.created))
    return {"id": job.id, "created": created, "state": job.state, "outcome": job.outcome, "steps": [_step(step) for step in job.steps]}


def _step(step: Step) -> dict[str, Any]:
    return {"asked": step.asked, "truth": _WORDS[step.truth], "seen": step.seen, "steps": [_step(inner) for inner in step.steps]}


def write_json(document: dict[str, Any]) -> str:
    """Keys sorted; all text cleaned."""
    return json.dumps(_cleaned(document), indent=2, sort_keys=True) + "\n"


def _cleaned(value: Any) -> Any:
    match value:
        case str():
            return clean(value)
        case dict():
            return {clean_line(str(key)): _cleaned(item) for key, item in value.items()}
        case list() | tuple():
            return [_cleaned(item) for item in value]
        case _:
            return value
