"""The sentences that sum up a run, the same in every report for people."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import assert_never

from msgspec import Struct

from policycheck.causes import CAUSES, Cause
from policycheck.datasets import DATASETS
from policycheck.errors import ExitCode
from policycheck.finding_list import marks
from policycheck.formats.baseline_words import LESS, exit_reason, state_counts
from policycheck.reasons import ReasonKind, Reasons, has_kind
from policycheck.records import iso
from policycheck.result import (
    SOON_DAYS,
    Basis,
    Coverage,
    Result,
    RuleResult,
    Severity,
    UndecidedOf,
    Universe,
    Verdict,
    WaiverStatus,
    WaiverUse,
)
from policycheck.text import spell_duration

UNCOVERED = "the declared scope is not covered: an account or Region of it lacks complete coverage"


def plural(count: int, noun: str, many: str = "") -> str:
    """`1 job`, `1,200 jobs`."""
    return f"{count:,} {noun if count == 1 else many or noun + 's'}"


def listed_item(dataset: str) -> str:
    """What one record of a list is called: job, recovery point."""
    known = DATASETS.get(dataset)
    return "job" if known is None else known.item


def examined(rule: RuleResult) -> str:
    """How much a rule was evaluated on: `41 jobs`, `2 backup vaults`; records, where its lists have several kinds."""
    items = {listed_item(name) for name in rule.lists}
    return plural(rule.examined, items.pop() if len(items) == 1 else "record" if items else "job")


def verdict_sentence(result: Result) -> str:
    """What the run says, in one or two sentences; a pass names what it rests on."""
    return " ".join(filter(None, [_verdict(result), exit_sentence(result)]))


def _verdict(result: Result) -> str:
    summary = result.summary
    rules = plural(summary.rules, "rule")
    match result.verdict:
        case Verdict.FAIL:
            return f"Fail: {summary.failed:,} of {rules} {'is' if summary.failed == 1 else 'are'} violated."
        case Verdict.INCONCLUSIVE if not result.rules:
            return "Inconclusive: nothing was evaluated: there is no rule."
        case Verdict.INCONCLUSIVE if summary.skipped == summary.rules:
            return f"Inconclusive: nothing was evaluated: {'the only rule was' if summary.rules == 1 else f'all {rules} were'} skipped."
        case Verdict.INCONCLUSIVE if not summary.inconclusive:
            why = "the declared scope is not covered" if result.scope_uncovered else LESS
            return f"Not a pass: {_counted(result)} on what was read, but {why}."
        case Verdict.INCONCLUSIVE:
            return f"Inconclusive: {summary.inconclusive:,} of {rules} could not be evaluated on this evidence."
        case Verdict.PASS | Verdict.WAIVED | Verdict.SKIPPED:
            return _pass(result)
        case other:
            assert_never(other)


def _counted(result: Result) -> str:
    summary = result.summary
    parts = [f"{summary.passed:,} of {plural(summary.rules, 'rule')} passed"]
    if summary.waived:
        parts.append(f"{summary.waived:,} waived")
    if summary.skipped:
        parts.append(f"{summary.skipped:,} skipped")
    return ", ".join(parts)


def _pass(result: Result) -> str:
    text = _counted(result)
    gaps = len(incomplete(result.coverage))
    if gaps:
        return f"Pass on what was read: {text}, but {plural(gaps, 'list')} of {len(result.coverage):,} {'is' if gaps == 1 else 'are'} not complete."
    if any(entry.basis is Basis.ASSERTED for entry in result.coverage):
        return f"Pass on asserted coverage: {text}. The user asserts that the lists are complete; policycheck did not observe it."
    return f"Pass: {text}."


def exit_sentence(result: Result) -> str:
    """The exit code, and why it is not what the verdict alone would make it."""
    code = f"Exit code {int(result.exit_code)}"
    limit = "never" if result.fail_on is None else str(result.fail_on)
    if because := exit_reason(result):
        return f"{code}: {because}."
    if result.verdict is Verdict.FAIL and result.exit_code is ExitCode.EVIDENCE:
        return f"{code}: no violated rule is at or above --fail-on {limit}, and the evidence is insufficient."
    if result.verdict is not Verdict.PASS and result.exit_code is ExitCode.OK:
        return f"{code}, because no such rule is at or above --fail-on {limit}."
    return f"{code}."


def count_line(result: Result) -> str:
    """Everything counted, on one line: `3 findings (1 waived) in 2 of 9 rules, 412 jobs; open: 1 high, 1 medium; rules: 6 passed, 2 failed, 1 skipped`."""
    summary = result.summary
    found = plural(summary.findings + summary.findings_waived, "finding")
    waived = f" ({summary.findings_waived:,} waived)" if summary.findings_waived else ""
    hit = sum(bool(rule.findings) for rule in result.rules)
    parts = [f"{found}{waived} in {hit:,} of {plural(summary.rules, 'rule')}, {plural(summary.jobs, 'job')}"]
    if summary.findings:
        parts.append(f"open: {severity_counts(result.rules)}")
    judged = [
        (summary.passed, "passed"),
        (summary.failed, "failed"),
        (summary.waived, "waived"),
        (summary.inconclusive, "inconclusive"),
        (summary.skipped, "skipped"),
    ]
    if summary.rules:
        parts.append("rules: " + ", ".join(f"{count:,} {word}" for count, word in judged if count))
    waiting, open_ = Counter[str](), Counter[str]()
    for rule in result.rules:
        waiting[_pending_noun(rule)] += rule.pending
        open_[rule.undecided_of] += rule.undecided
    parts += [f"{plural(count, noun)} pending" for noun, count in sorted(waiting.items()) if count]
    parts += [f"{plural(count, noun)} undecided" for noun, count in sorted(open_.items()) if count]
    return "; ".join(parts)


def _pending_noun(rule: RuleResult) -> str:
    """What a rule counts as pending: subjects that are new, or deadlines of jobs."""
    return "subject" if rule.universe else "deadline"


def severity_counts(rules: Iterable[RuleResult]) -> str:
    """Findings not waived, worst severity first: `1 high, 2 medium`."""
    counts: Counter[Severity] = Counter()
    for rule in rules:
        for kind, count in rule.open_kinds.items():
            counts[kind.severity] += count
    return ", ".join(f"{counts[severity]:,} {severity}" for severity in Severity if counts[severity])


class CauseCount(Struct, frozen=True):
    """The open findings of one cause."""

    id: str
    """Empty: of those that have none."""
    cause: Cause | None
    """None where there is none, or one this version does not know."""
    severity: Severity
    """The worst of them."""
    findings: int
    subjects: int
    """Resources (or groups) they are about: one that violates two rules is counted once."""


def by_cause(rules: Iterable[RuleResult]) -> list[CauseCount]:
    """Open findings by cause, the worst severity first, then the most findings; what nobody can act on (`other`, none) last. Empty where none has a cause."""
    findings, subjects, severities = Counter[str](), defaultdict[str, set[int]](set), defaultdict[str, set[Severity]](set)
    for rule in rules:
        for mark in marks(rule.open_findings):
            name = mark.kind.cause or ""
            findings[name] += 1
            subjects[name].add(mark.subject)
            severities[name].add(mark.kind.severity)
    if not any(findings):
        return []
    counts = [
        CauseCount(name, CAUSES.get(name), min(severities[name], key=lambda severity: severity.rank), count, len(subjects[name]))
        for name, count in findings.items()
    ]
    return sorted(counts, key=lambda count: (not count.id, count.severity.rank, count.id == "other", -count.findings, -count.subjects, count.id))


def finding_counts(rule: RuleResult) -> str:
    """`2 findings, 1 more waived`."""
    open_count = len(rule.open_findings)
    waived = len(rule.findings) - open_count
    more = " more" if open_count else ""
    return plural(open_count, "finding") + state_counts(rule) + (f", {waived:,}{more} waived" if waived else "")


def notes(rule: RuleResult) -> list[str]:
    """What a reader must know beside the findings: the reason, the universe, and the jobs left out, a sentence each."""
    return [
        text
        for text in (
            rule.reason,
            spell_universe(rule.universe) if rule.universe else "",
            _undecided(rule) if rule.undecided else "",
            f"{plural(rule.possible, 'subject' if rule.universe else 'job')} could violate if what is unknown of them were known" if rule.possible else "",
            f"{plural(rule.pending, _pending_noun(rule))} pending" if rule.pending else "",
            *rule.notes,
        )
        if text
    ]


def _undecided(rule: RuleResult) -> str:
    return f"{plural(rule.undecided, rule.undecided_of)}{' in progress' if rule.undecided_of is UndecidedOf.JOBS else ''}, undecided"


_K = ReasonKind
_KEEP_FIELDS = "A list that is reduced (--query, jq) must keep the fields that the reason names: save it again with them, or whole."
_UNREPORTED = "Fetch the jobs, or give the lists that `policycheck list-backup-jobs` saves beside the reports: these say what job reports leave out."
_EVIDENCE_HELP: tuple[tuple[frozenset[ReasonKind], str], ...] = (
    (frozenset({_K.LIST_CUT_OFF}), "Run the command that saved the list again and look at its exit code; --output json shows where a list was cut off."),
    (frozenset({_K.SPELLED_OTHERWISE}), "Write the value as it stands in the evidence. To match both spellings, name both."),
    (frozenset({_K.LIST_NOT_GIVEN}), "Give that list, too: --jobs repeats; or fetch from AWS."),
    (frozenset({_K.INVENTORY_NOT_GIVEN}), "Pass it: --inventory NAME=PATH."),
    (frozenset({_K.REPORT_OUTDATED}), "Give the job reports up to the evaluation time, or evaluate as of the end of the newest: --as-of."),
    (frozenset({_K.FIELDS_UNREPORTED}), _UNREPORTED),
    (frozenset({_K.FIELDS_DROPPED, _K.FIELDS_UNSAID}), _KEEP_FIELDS),
    (
        frozenset({_K.STARTS_LATE, _K.SHOWS_NOTHING_SINCE}),
        "If the list is whole, assert the time it covers with --covers FROM..TO; or shorten the window, or fetch from AWS.",
    ),
    (frozenset({_K.ENDS_BEFORE_WINDOW, _K.ENDS_BEFORE_AS_OF}), "Save the list again, or check it as of the time it was saved: --as-of."),
    (
        frozenset({_K.PLACE_UNCOVERED, _K.ACCOUNT_SILENT}),
        "Give the lists of every declared account and Region, or say in the scope which may be empty: may_be_empty.",
    ),
    (frozenset({_K.PLACE_UNASKED}), "Fetch that account and Region, too, or remove it from the scope."),
    (frozenset({_K.PLACE_OF_SUBJECTS_UNREAD, _K.FOLLOWERS_UNREAD}), "Give the lists of that place, too, or remove it from the scope."),
    (frozenset({_K.LIST_INCOMPLETE}), "Fetch it again; what failed is named above."),
    (
        frozenset({_K.NOTHING_TO_JUDGE}),
        "See whether the names in the rule are spelled as in the lists. no_data says what a population that is empty means.",
    ),
    (frozenset({_K.ALL_IN_PROGRESS, _K.IN_PROGRESS_ALONE, _K.FIRST_MAY_RUN}), "Check again when they have ended: --wait."),
    (
        frozenset(
            {
                _K.FIELDS_UNKNOWN, _K.RECORDS_DAMAGED, _K.RECOVERY_UNKNOWN, _K.TIMES_UNKNOWN, _K.FIRST_UNKNOWN, _K.MEMBERSHIP_UNKNOWN, _K.PLAN_UNKNOWN,
                _K.RUN_UNPLACED,
            }
        ),
        "Lists saved by an old client lack fields that newer ones record: save them again with a current AWS CLI.",
    ),
)  # fmt: skip
"""What fixes insufficient evidence, by kinds of reasons; the first that one of the reasons is of."""


def evidence_help(reasons: Reasons) -> str:
    """What to do where a rule could not be judged; empty where nothing general can be said."""
    return next((told for kinds, told in _EVIDENCE_HELP if has_kind(reasons, *kinds)), "")


def reading_notes(result: Result) -> list[str]:
    """Of the rules whose sentence was read as another, what was typed."""
    return [f'{rule.id}: "{rule.read_from}", read as: {rule.sentence}' for rule in result.rules if rule.read_from]


def breach_notes(result: Result) -> list[str]:
    """Of the rules that pass because a job is new enough, when each will fail next, the soonest first."""
    coming = sorted(((rule.breach.at, rule.id, rule.breach.subject) for rule in result.rules if rule.breach), key=lambda found: found[:2])
    return [
        f"{rule} breaches in {spell_duration((at - result.as_of) // timedelta(microseconds=1))} unless a job completes, at {iso(at)}: {subject}"
        for at, rule, subject in coming
    ]


def waiver_notes(result: Result) -> list[str]:
    """What a reader must know of the waivers, a sentence each: expired and unused ones, and those that end soon. Others need no word."""
    told: dict[tuple[str, str, str], list[WaiverUse]] = {}
    for use in result.waivers:
        if what := _waiver_news(use):
            told.setdefault((use.rule, use.waiver.owner, what), []).append(use)
    notes = []
    for (rule, owner, what), uses in told.items():
        place = f"{uses[0].location.path}:{uses[0].location.line}"
        which = f"the waiver of {rule} by {owner} ({place})" if len(uses) == 1 else f"{len(uses):,} waivers of {rule} by {owner} (the first at {place})"
        found = sum(use.findings for use in uses)
        again = f": {plural(found, 'finding')} count{'s' if found == 1 else ''} again" if found and uses[0].status is WaiverStatus.EXPIRED else ""
        notes.append(f"{which}: {what}{again}")
    return notes


def _waiver_news(use: WaiverUse) -> str:
    match use.status:
        case WaiverStatus.EXPIRED:
            return f"expired on {use.waiver.expires}"
        case WaiverStatus.NOT_YET:
            return f"not in force before {use.waiver.granted}"
        case WaiverStatus.IN_FORCE if not use.findings:
            return "unused: no finding matches it"
        case WaiverStatus.IN_FORCE:
            left = f"in {plural(use.days_left, 'day')}" if use.days_left else "today"
            return f"expires on {use.waiver.expires}, {left}" if use.days_left <= SOON_DAYS else ""
        case _:
            assert_never(use.status)


def spell_universe(universe: Universe) -> str:
    """`82 resources seen in backup jobs since 2026-10-24T00:00:00Z; not an inventory`."""
    if universe.inventory:
        return f"{plural(universe.count, 'resource')} of {universe.source}"
    since = f" since {iso(universe.start)}" if universe.start else ""
    return f"{plural(universe.count, 'subject')} seen in {universe.source}{since}; not an inventory"


def interval(start: datetime | None, end: datetime | None) -> str:
    """`2026-11-01T00:00:00Z to 2026-11-20T00:00:00Z`; of a list that speaks of one moment, `as it was at 2026-11-20T00:00:00Z`."""
    if start is None or end is None:
        return "interval unknown"
    return f"as it was at {iso(start)}" if start == end else f"{iso(start)} to {iso(end)}"


def incomplete(coverage: Iterable[Coverage]) -> list[Coverage]:
    """The entries that do not hold everything they were read for."""
    return [entry for entry in coverage if not entry.complete]
