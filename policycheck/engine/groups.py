"""Rules on groups of jobs to verdicts: counts, shares, ages, streaks and gaps of each subject (docs/groups-specification.md)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import chain, groupby, islice
from operator import itemgetter
from typing import Any

import narwhals as nw
from msgspec import structs

from policycheck.answers import SubjectAnswer
from policycheck.datasets import BACKUP_JOBS, DATASETS, PROTECTED_RESOURCES
from policycheck.engine.absence import Absence
from policycheck.engine.answers import weaken
from policycheck.engine.case import Case, fields_read
from policycheck.engine.composites import leave_out_children
from policycheck.engine.context import Context
from policycheck.engine.entries import of_resources
from policycheck.engine.findings import describe_empty
from policycheck.engine.frame import ROW, SUBJECT
from policycheck.engine.group_account import TOGETHER
from policycheck.engine.group_answers import answer_groups, looked_at, newest_bounds, newest_of
from policycheck.engine.group_findings import Describer
from policycheck.engine.group_judgement import judge_group
from policycheck.engine.group_measure import Clean, measure_of
from policycheck.engine.group_notes import tell_notes
from policycheck.engine.group_reasons import GroupReasons, all_pending
from policycheck.engine.judgement import Edge, Judgement, Setting, expectation
from policycheck.engine.ladder import Standing, decide
from policycheck.engine.list_view import KEY, ListView, Tally, any_truth
from policycheck.engine.listed_inventory import nameless
from policycheck.engine.masks import add_masks, listed_mask
from policycheck.engine.new_subjects import NewSubjects
from policycheck.engine.possible_jobs import PossibleJobs
from policycheck.engine.scope import evident_since
from policycheck.engine.screen import CleanKeys, bounds_of, screen
from policycheck.engine.soft_limits import describe_warnings, is_warned, soften
from policycheck.engine.subject_shares import count_subjects, describe, share_of, stand
from policycheck.engine.subjects import NOTHING_OMITTED, Group, Omitted, Subjects, find_subjects
from policycheck.engine.thinning import thin
from policycheck.engine.verdict import not_read, of_another_moment, rule_result, short_evidence
from policycheck.finding_list import gather, order_subjects
from policycheck.inventory import Listing
from policycheck.places import Place
from policycheck.policy.conditions import fields_of
from policycheck.policy.model import LISTED_INVENTORY, RESOURCE
from policycheck.reasons import Reason, ReasonKind, Reasons
from policycheck.records import micros, moment
from policycheck.result import Finding, RuleResult, Universe, Verdict
from policycheck.text import clean_line

_NO_WINDOW = Edge(None)
_MOST_PLACES = 3


def judge_groups(cases: Sequence[Case], context: Context) -> dict[int, RuleResult]:
    """The results of rules that expect something of groups of jobs (all measures but missed runs), by the number of the rule."""
    results = {case.number: result for case in cases if (result := _not_judged(case, context)) is not None}
    judged = [case for case in cases if case.number not in results]
    views = {name: view for name in DATASETS if (view := _view(name, judged, context)) is not None}
    listing = Listing(context.inventories)
    alike: dict[tuple[str, tuple[str, ...]], list[Case]] = {}
    for case in judged:
        alike.setdefault((case.rule.statement.dataset, case.per), []).append(case)
    for (name, _), together in alike.items():
        tallies, bounds = views[name].tallies(together, {**bounds_of(together), **(newest_bounds(together) if context.answers else {})})
        newest = newest_of(together, bounds) if context.answers else {}
        keyed, _ = views[name].keyed(together[0].per)
        clean = screen(together, bounds, keyed, KEY, micros(context.as_of), context.backend)
        for case in together:
            ruling = _Ruling(case, views[name], views.get(BACKUP_JOBS.name), context, clean[case.number], newest.get(case.number, {}))
            every = tallies[case.number]
            # Of every subject is told what it came to.
            own, omitted = (every, NOTHING_OMITTED) if context.answers else thin(case, views[name], every, clean[case.number])
            results[case.number] = ruling.result(own, listing, omitted)
    return results


def measure_groups(case: Case, context: Context) -> tuple[ListView, list[Judgement]]:
    """What the measure of one rule says of each of its groups, and the list it is about. The lists it needs are there, and so is its inventory."""
    name = case.rule.statement.dataset
    view = _view(name, [case], context)
    if view is None:
        raise AssertionError(f"rule {case.rule.id} asks no list")
    backups = view if name == BACKUP_JOBS.name else _view(BACKUP_JOBS.name, [case], context)
    ruling = _Ruling(case, view, backups, context)
    tallies, _ = view.tallies([case])
    _, judgements = ruling.judgements(tallies[case.number], Listing(context.inventories))
    return view, judgements


def _not_judged(case: Case, context: Context) -> RuleResult | None:
    """The result of a rule that lacks a list or its inventory."""
    missing = [name for name in DATASETS if name in case.rule.statement.lists_needed and name not in context.lists]
    if missing:
        return not_read(case.rule, DATASETS[missing[0]])
    inventory = expectation(case).inventory
    if inventory is not None and context.inventory(inventory.text) is None:
        return rule_result(case.rule, Verdict.INCONCLUSIVE, (Reason(ReasonKind.INVENTORY_NOT_GIVEN, (clean_line(inventory.text),)),))
    return of_another_moment(case.rule, case.scope, context.coverage, context.as_of)


def fields_asked(case: Case) -> dict[str, set[str]]:
    """The fields that a rule's columns come from, by the list: its own, and the backup jobs that tell whom it is about."""
    of_whom = {BACKUP_JOBS.name: fields_of(of_resources(case.rule.statement.where))} if RESOURCE in case.per else {}
    return of_whom | {case.rule.statement.dataset: fields_read(case)}


def _view(name: str, cases: Sequence[Case], context: Context) -> ListView | None:
    """One list with what all these rules ask of it; None where none does."""
    own = [case for case in cases if case.rule.statement.dataset == name]
    # Rules on another list learn from the backup jobs who must have a job there, and whose first backup still runs.
    asking = [case for case in cases if name == BACKUP_JOBS.name and name in context.lists and case.rule.statement.dataset != name and RESOURCE in case.per]
    if not own and not asking:
        return None
    wheres = [of_resources(case.rule.statement.where) for case in asking]
    fields = set().union(*(fields_asked(case).get(name, ()) for case in cases))
    job_list = context.lists[name]
    frame = context.facts.frame(name, fields)
    asked = {case.listed: listed_mask(where, case.scope, frame) for case, where in zip(asking, wheres, strict=True)}
    masks = add_masks(frame.columns, own, frame, asked) if own else frame.columns.select(nw.col(ROW, SUBJECT), **asked)
    if context.answers:
        masks = context.examined.with_ranks(masks, name)
    persisted = context.backend.persist(masks)
    masks, left_out = leave_out_children(persisted, own, job_list, context.backend)
    if context.answers:
        context.examined.add(name, masks, looked_at(own))
    return ListView(job_list, frame, masks if masks is persisted else context.backend.persist(masks), context.backend, left_out)


@dataclass
class _Ruling:
    """One rule being judged."""

    case: Case
    view: ListView
    backups: ListView | None
    context: Context
    clean: CleanKeys = field(default_factory=dict)
    """The keys whose jobs certainly keep to the rule."""
    newest: Mapping[int, int] = field(default_factory=dict)
    """The rank of the newest job of each key that the measure looks at; empty where answers are not asked for."""

    @property
    def as_of(self) -> int:
        return micros(self.context.as_of)

    def judgements(self, tallies: Mapping[int, Tally], listing: Listing, omitted: Omitted = NOTHING_OMITTED) -> tuple[Subjects, list[Judgement]]:
        """Whom the rule is about, and what its measure says of each group."""
        named = expectation(self.case).inventory
        inventory = self.context.inventory(named.text) if named is not None else None
        subjects = find_subjects(self.case, self.view, tallies, self.backups, inventory, listing, omitted)
        nothing = not self.case.per and subjects.chosen is False
        if nothing:
            return subjects, []
        clean = [self._is_clean(number, group, subjects) for number, group in enumerate(subjects.groups)]
        jobs = self._jobs_of(subjects, clean)
        judged = (
            self._judge_clean(group, self.clean[group.keys[0]]) if clean[number] else self._judge(group, own, tallies)
            for (number, group), own in zip(enumerate(subjects.groups), jobs, strict=True)
        )
        return subjects, list(judged)

    def _is_clean(self, number: int, group: Group, subjects: Subjects) -> bool:
        """Whether a group has the records of one clean key, and no others may be its own but those that do not say whose they are."""
        own = len(group.keys) == 1 and group.keys[0] in self.clean and (number, True) in subjects.of_key[group.keys[0]]
        return own and not (self._needs_whole_list and self._has_gap(group.subject[:2]))

    @cached_property
    def _needs_whole_list(self) -> bool:
        return measure_of(self.case).needs_whole_list

    @cached_property
    def _has_gap(self) -> Callable[[Place], bool]:
        return cache(self._absence.has_gap)

    @staticmethod
    def _judge_clean(group: Group, clean: Clean) -> Judgement:
        return Judgement(group, _NO_WINDOW, False, clean.value, nothing=clean.nothing, passed_over=clean.nothing, tallied=clean.tallied)

    def result(self, tallies: Mapping[int, Tally], listing: Listing, omitted: Omitted) -> RuleResult:
        case, rule = self.case, self.case.rule
        subjects, judgements = self.judgements(tallies, listing, omitted)
        short = self._short(subjects)
        verdict, reasons = decide(self._standing(subjects, judgements, short))
        kept = [structs.replace(item, violation=False, nothing=False, soft=None) if item.found is True else item for item in judgements]
        violated = [item for item in judgements if item.violation is True and not (item.nothing and short)]
        is_warned_of = any(map(is_warned, judgements))
        findings: Sequence[Finding] = ()
        if verdict is Verdict.FAIL:
            findings = self._findings(judgements, violated) or (describe_empty(rule, reasons),)
        return rule_result(
            rule,
            verdict,
            reasons,
            beneath=decide(self._standing(subjects, kept, short)) if verdict is Verdict.FAIL and (violated or is_warned_of) else None,
            limit_verdict=self._limit_verdict(subjects, judgements, short) if verdict is Verdict.FAIL and is_warned_of else None,
            tolerates=share_of(case) is not None,
            examined=subjects.examined,
            subjects=subjects.count,
            undecided=subjects.undecided,
            possible=sum(item.found is None for item in judgements),
            pending=sum(item.pending for item in judgements),
            universe=self._universe(subjects),
            breach=measure_of(case).breach(case, judgements, self.as_of) if verdict is Verdict.PASS and share_of(case) is None else None,
            notes=tell_notes(case, judgements, subjects.group_count, self.view.left_out.get(case.number, 0)),
            findings=findings,
            answers=self._answers(judgements, subjects, short) if self.context.answers else (),
        )

    def _findings(self, judgements: Sequence[Judgement], violated: Sequence[Judgement]) -> Sequence[Finding]:
        describer = Describer(self.case, self.view, self.context, violated)
        if share_of(self.case) is not None:
            return (describe(self.case, describer, count_subjects(judgements)),) if violated else ()
        found = describer.findings()
        if self._softer is None:
            return found
        warnings = describe_warnings(self.case, self._softer.case, self.view, self.context, judgements)
        subjects = ((one.account, one.region, one.subject) for one in chain(found, warnings))
        return gather(chain(found, warnings), lambda: order_subjects(subjects), held=self.context.series is not None)

    def _limit_verdict(self, subjects: Subjects, judgements: Sequence[Judgement], short: Reasons) -> Verdict:
        """The verdict if warnings did not count, and no violation of the limit had been found."""

        def harden(item: Judgement) -> Judgement:
            return structs.replace(item, violation=item.violation and False, nothing=item.nothing and item.violation is not True, soft=None)

        return decide(self._standing(subjects, list(map(harden, judgements)), short))[0]

    @cached_property
    def _softer(self) -> _Ruling | None:
        """The same rule with its softer limit; None where it has none."""
        softer = soften(self.case)
        return None if softer is None else _Ruling(softer, self.view, self.backups, self.context)

    def _answers(self, judgements: Sequence[Judgement], subjects: Subjects, short: Reasons) -> tuple[SubjectAnswer, ...]:
        clean = [self._is_clean(number, item.group, subjects) for number, item in enumerate(judgements)]
        answers = answer_groups(self.case, self.view.job_list.dataset.name, subjects, judgements, clean, self.newest, self.context.examined)
        return weaken(answers) if short else answers

    def _jobs_of(self, subjects: Subjects, clean: Sequence[bool]) -> Iterator[list[tuple[Any, ...]]]:
        """For each group, in their order, the jobs its measure looks at (see `judge_group`); none for those that are clean. Some are taken at a time: of all
        groups together they may be as many as the list has."""
        unclean = [number for number, is_clean in enumerate(clean) if not is_clean]
        coming = iter(unclean)
        jobs: dict[int, list[tuple[Any, ...]]] = {}
        for number, is_clean in enumerate(clean):
            if not is_clean and number not in jobs:
                jobs = {one: [] for one in islice(coming, TOGETHER)}
                asked = {key for one in jobs for key in subjects.groups[one].keys}
                self._add_jobs(jobs, subjects, None if len(jobs) == len(clean) else asked)
            yield [] if is_clean else jobs[number]

    def _add_jobs(self, jobs: dict[int, list[tuple[Any, ...]]], subjects: Subjects, keys: set[int] | None) -> None:
        """Add to groups, by number, the jobs of these keys (None: of all)."""
        case = self.case
        keyed, _ = self.view.keyed(case.per)
        columns = [nw.col(KEY), nw.col(ROW), nw.col(case.measured).alias("measured")]
        looked_at = nw.col(case.measured).fill_null(True)
        if keys is not None:
            keyed = self.context.backend.among(keyed, KEY, sorted(keys))
        rows = self.context.backend.rows(keyed.filter(looked_at).sort(KEY, "CreationDate", ROW).select(*columns, *map(nw.col, measure_of(case).columns(case))))
        # The rows of one key stand together.
        for key, found in groupby(rows, itemgetter(0)):
            together = list(found)
            for number, belongs in subjects.of_key.get(key, ()):
                if number in jobs:
                    jobs[number] += together if belongs else [(*row[:2], None, *row[3:]) for row in together]

    def _judge(self, group: Group, jobs: Sequence[tuple[Any, ...]], tallies: Mapping[int, Tally]) -> Judgement:
        waiting = any(tallies[number].waiting for number in group.keys)
        unwell = any_truth(tallies[number].unwell for number in group.keys)
        setting = Setting(self._new.edge(group), self._absence.is_shown(group.subject[:2]), waiting, unwell, self._new.first_runs(group), self._is_whole(group))
        judged = self._possible.weigh(judge_group(self.case, group, jobs, setting, self.as_of, self.view.job_list), jobs)
        if self._softer is None or judged.violation is True or judged.pending or judged.nothing or judged.waiting:
            return judged
        soft = self._softer._judge(group, jobs, tallies)
        return judged if soft.violation is False else structs.replace(judged, soft=soft)

    def _is_whole(self, group: Group) -> Callable[[int, int], bool]:
        place = group.subject[:2]
        return lambda start, end: self._absence.is_whole(place, moment(start), moment(end))

    @cached_property
    def _possible(self) -> PossibleJobs:
        return PossibleJobs(self.case, self.view, self.backups, self.as_of)

    @cached_property
    def _reasons(self) -> GroupReasons:
        return GroupReasons(self.case, self.view, self.context, self._possible)

    @cached_property
    def _absence(self) -> Absence:
        case = self.case
        return Absence(case.scope, self.context.coverage, case.rule.statement.dataset, case.window_length, self.context.as_of)

    @cached_property
    def _new(self) -> NewSubjects:
        return NewSubjects(self.case, self.view, self.backups, self.context)

    def _short(self, subjects: Subjects) -> Reasons:
        """Why the evidence does not reach; nothing where it does."""
        short = self._short_list()
        # Without `per` the one group is of no place of its own.
        return short if short and not self.case.per else (*short, *self._unread_places(subjects))

    def _unread_places(self, subjects: Subjects) -> Reasons:
        """Where subjects are and the rule's list was not read."""
        places = Counter(subject[:2] for subject in {group.subject for group in subjects.groups}) + Counter(subjects.omitted.subjects_of)
        unread = ((place, count) for place, count in places.items() if not self._absence.is_read(place))
        counts: Counter[str] = Counter()
        for place, count in unread:
            counts["/".join(clean_line(part or "any") for part in place)] += count
        noun = self.case.rule.statement.list.noun
        reasons = (Reason(ReasonKind.PLACE_OF_SUBJECTS_UNREAD, (noun, place), (count,)) for place, count in sorted(counts.items()))
        return tuple(islice(reasons, _MOST_PLACES))

    def _short_list(self) -> Reasons:
        case, context = self.case, self.context
        name = case.rule.statement.dataset
        short = short_evidence(case.scope, context.coverage, name, case.window_length, context.as_of, len(self.view.job_list))
        # Of the list that says whom the rule is about, backup jobs or protected resources, its end counts.
        for other in sorted(case.rule.statement.lists_needed - {name}):
            short = short or short_evidence(case.scope, context.coverage, other, None, context.as_of, len(context.lists[other]))
        named = expectation(case).inventory
        return short or (nameless(context.lists[LISTED_INVENTORY]) if named is not None and named.text == LISTED_INVENTORY else ())

    def _standing(self, subjects: Subjects, judgements: Sequence[Judgement], short: Reasons) -> Standing:
        case, violated = self.case, [item for item in judgements if item.found is True]
        standing = Standing(
            violations=sum(not item.nothing for item in violated),
            by_absence=sum(item.nothing for item in violated),
            short=short,
            unknown=lambda: self._reasons.unknown(subjects, judgements),
            unsettled=lambda: self._reasons.unsettled(subjects, judgements),
            nothing=lambda: self._reasons.nothing(subjects, judgements),
            pending=lambda: all_pending(case, len(judgements)) if all(item.pending for item in judgements) else (),
        )
        if share_of(self.case) is None:
            return standing
        # Who is not known to be there would be in the share, too, and what is in progress counts both ways.
        return stand(self.case, standing, count_subjects(judgements), self._reasons.unsettled(subjects, (), every=True))

    def _universe(self, subjects: Subjects) -> Universe | None:
        """Where the subjects come from; None where all jobs are the one subject."""
        case = self.case
        named = expectation(case).inventory
        if named is not None and named.text == LISTED_INVENTORY:
            return Universe(f"{PROTECTED_RESOURCES.noun}s", None, subjects.count, inventory=True)
        if named is not None:
            return Universe(f"inventory {clean_line(named.text)}", None, subjects.count, inventory=True)
        if not case.per:
            return None
        source = BACKUP_JOBS if RESOURCE in case.per else case.rule.statement.list
        since = None if source.of_state else evident_since(case.scope, self.context.coverage, source.name)
        return Universe(f"{source.noun}s", since, subjects.count)
