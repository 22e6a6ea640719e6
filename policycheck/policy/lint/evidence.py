"""Rules whose evidence is thinner than it looks: outcomes nobody judges, windows nothing can fill, silence that passes."""

from __future__ import annotations

from collections.abc import Iterator

from policycheck.datasets import DATASETS, Dataset
from policycheck.policy.conditions import And, Comparison, Condition, Not, Operator, comparisons, fields_of
from policycheck.policy.lint.finding import Place, Run
from policycheck.policy.lint.reading import (
    FRESHNESS,
    OUTCOME_FIELDS,
    all_comparisons,
    asked,
    chosen,
    judges_outcomes,
    own_conditions,
    place_of,
    positive,
    required,
    wants,
)
from policycheck.policy.lint.satisfiability import equals, is_impossible
from policycheck.policy.model import AllMatch, Expectation, Following, NoData, NoneMatch, Policy, Rule
from policycheck.text import clean_line
from policycheck.units import DAY, HOUR

_NAMES = ("BackupVaultName", "CreatedBy.BackupPlanName", "ResourceName", "ResourceType", "CreatedBy.BackupRuleName", "CreatedBy.BackupPlanId", "Region")
"""What `where` names that is easily misspelt, and nothing checks."""
_SIZES = frozenset({"BackupSizeInBytes", "BytesTransferred"})
_SIZELESS = {"rds": "0", "aurora": "none", "documentdb": "none", "neptune": "none", "fsx": "none"}
"""What AWS records as the size of a backup of these types; measured on real lists."""
_LISTED_DAYS = 30
"""How far back ListBackupJobs goes: a job has no longest duration, and one created before that is in no list."""


# Outcomes


def find_failed_alone(run: Run) -> Iterator[Place]:
    """A rule against FAILED jobs, where nothing judges the other ways to end badly."""
    for policy, rule in run.rules():
        dataset, requirement = rule.statement.list, rule.statement.requirement
        if not isinstance(requirement, NoneMatch) or required(own_conditions(rule), dataset.state_field) != ("FAILED",):
            continue
        unjudged = [state for state in dataset.bad_ends if not any(_judges(other, state, rule) for _, other in run.rules())]
        # Only jobs of several members end PARTIAL: where jobs end badly in other ways too, that alone is no gap of a rule on EC2.
        if unjudged and (unjudged != ["PARTIAL"] or len(dataset.bad_ends) == 1):
            states = f"{', '.join(unjudged[:-1])} and {unjudged[-1]}" if len(unjudged) > 1 else unjudged[0]
            location = next(one.location for one in comparisons(own_conditions(rule)) if one.field == dataset.state_field)
            message = f"the rule forbids FAILED {dataset.noun}s alone, and no rule of this run evaluates those that end {states}"
            hint = f"no {', '.join(['FAILED', *unjudged][:-1])} or {unjudged[-1]} jobs ..., or a rule that every resource must have a clean job."
            yield Place(policy, place_of(rule, location), message, hint, rule)


def _judges(rule: Rule, state: str, about: Rule) -> bool:
    """Whether a rule may find jobs in this state, of those another is about."""
    statement = rule.statement
    if statement.dataset != about.statement.dataset or isinstance(statement.requirement, Following):
        return False
    dataset, condition = statement.list, asked(rule)
    if not fields_of(own_conditions(rule)) & OUTCOME_FIELDS:
        return False
    # Of the other rule, only what it chooses beside the state it forbids.
    overlap = And((chosen(rule), _without_outcomes(chosen(about)), equals(dataset.state_field, state)))
    match statement.requirement:
        case NoneMatch():
            return not is_impossible(And((overlap, condition)), dataset)
        case AllMatch():
            return not is_impossible(And((overlap, Not(condition))), dataset)
        case Expectation():
            # A job that had to match and does not is missed there; one that must not match is found.
            return not is_impossible(And((overlap, Not(condition) if wants(rule) else condition)), dataset)


def _without_outcomes(condition: Condition) -> Condition:
    parts = condition.parts if isinstance(condition, And) else (condition,)
    return And(
        tuple(_without_outcomes(part) if isinstance(part, And) else part for part in parts if isinstance(part, And) or not fields_of(part) & OUTCOME_FIELDS)
    )


def find_accepted_unknown_outcome(run: Run) -> Iterator[Place]:
    """`Outcome: unknown` among what a job may or must have."""
    for policy, rule in run.rules():
        requirement = rule.statement.requirement
        if not wants(rule):
            continue
        for comparison in positive(requirement.condition):
            literal = next((one for one in comparison.literals if comparison.field == "Outcome" and one.text == "unknown"), None)
            if literal is not None and comparison.operator is Operator.IS:
                message = "the rule accepts a COMPLETED job whose MessageCategory is not recorded"
                yield Place(
                    policy, place_of(rule, literal.location), message, "Require clean. An outcome that is not recorded then makes the rule inconclusive.", rule
                )


def find_unjudged_issues(run: Run) -> Iterator[Place]:
    """Rules judge how jobs end, and none looks at those that COMPLETED with issues."""
    for dataset in DATASETS.values():
        if "Outcome" not in dataset.fields:
            continue
        judging = [(policy, rule) for policy, rule in run.rules() if rule.statement.dataset == dataset.name and judges_outcomes(rule)]
        if judging and not any(fields_of(own_conditions(rule)) & {"Outcome", "MessageCategory"} for _, rule in judging):
            policy, rule = judging[0]
            message = f"the rules on {dataset.noun}s evaluate their {dataset.state_field} only: a job that COMPLETED with issues passes all of them"
            yield Place(policy, rule.location, message, "no jobs with issues within 24h, or ask for clean in place of COMPLETED.", rule)


# Windows


def find_window_beyond_horizon(run: Run) -> Iterator[Place]:
    """A window on backup jobs that AWS no longer lists in full."""
    for policy, rule in run.rules():
        window = rule.statement.window
        horizon = rule.statement.list.horizon
        reach = rule.statement.shortest_window
        if run.saved_lists or horizon is None or window is None or reach is None:
            continue
        # The horizon moves while a list is read.
        if reach > (horizon.days - 1) * DAY:
            listed = f"{rule.statement.list.noun}s ({horizon.days} days)"
            message = f"{clean_line(window.text)} reaches further back than AWS lists {listed}: "
            message += "evaluated live, the rule is always inconclusive"
            yield Place(
                policy, place_of(rule, window.location), message, f"At most {horizon.days - 1}d, or check lists that were saved over a longer time.", rule
            )


def find_limit_below_an_hour(run: Run) -> Iterator[Place]:
    """A freshness that no plan can keep."""
    for policy, rule in run.rules():
        requirement = rule.statement.requirement
        if not isinstance(requirement, Expectation) or requirement.measure not in FRESHNESS or requirement.limit is None:
            continue
        limit = requirement.limit
        if rule.statement.list.scheduled and limit.value is not None and int(limit.value) < HOUR:
            message = f"no backup plan runs more often than once an hour: between two runs the newest job is older than {clean_line(limit.text)}"
            yield Place(policy, place_of(rule, limit.location), message, "The interval of the plan, and the time a job takes: 2h or more.", rule)


def find_limit_without_slack(run: Run) -> Iterator[Place]:
    """A freshness of exactly a day or a week: what a daily or weekly plan reaches just before its next job is done."""
    for policy, rule in run.rules():
        requirement = rule.statement.requirement
        if not isinstance(requirement, Expectation) or requirement.measure not in FRESHNESS or requirement.limit is None:
            continue
        limit = requirement.limit
        if rule.statement.list.scheduled and limit.value in {DAY, 7 * DAY}:
            often = "daily" if limit.value == DAY else "weekly"
            message = f"a limit of {clean_line(limit.text)} leaves a {often} plan no time to run: before the next job ends, the newest one is older"
            hint = "Add the start window and the time a job takes: 26h." if often == "daily" else "Add the start window and the time a job takes: 8d."
            yield Place(policy, place_of(rule, limit.location), message, hint, rule)


def find_outcome_without_window(run: Run) -> Iterator[Place]:
    """A rule on each job's end that looks at everything there is."""
    for policy, rule in run.rules():
        requirement, statement = rule.statement.requirement, rule.statement
        if isinstance(requirement, NoneMatch | AllMatch) and statement.within is None and judges_outcomes(rule) and not _dated(rule):
            message = "the rule evaluates how jobs end, without a window: a failure is a finding until it leaves the list, which depends on the source"
            yield Place(policy, rule.location, message, "Add within 24h, or as often as the check runs.", rule)


def _dated(rule: Rule) -> bool:
    return bool(fields_of(own_conditions(rule)) & {"CreationDate", "CompletionDate", "InitiationDate", "StartBy", "ExpectedCompletionDate"})


def find_clock_that_hides_jobs(run: Run) -> Iterator[Place]:
    """A window by the time a job began, on a rule about how it ended."""
    for policy, rule in run.rules():
        clock, window = rule.qualifiers.clock, rule.statement.within
        if clock is None or window is None or window.value is None or not judges_outcomes(rule):
            continue
        if clock in {"CreationDate", "InitiationDate", "StartBy"} and int(window.value) < _LISTED_DAYS * DAY:
            message = f"with clock {clock}, a job that ends more than {clean_line(window.text)} later is in no window when its outcome is known"
            yield Place(policy, place_of(rule, window.location), message, "Omit clock. Without it, a job that ended in the window is in it.", rule)
        elif clock == "CompletionDate" and _forbids(rule, "EXPIRED"):
            message = "with clock CompletionDate, EXPIRED jobs are in no window: AWS records no end of a job that never started"
            yield Place(policy, place_of(rule, window.location), message, "Omit clock. Such a job ends with its start window.", rule)


def _forbids(rule: Rule, state: str) -> bool:
    return isinstance(rule.statement.requirement, NoneMatch) and state in required(own_conditions(rule), rule.statement.list.state_field)


# Silence and what is not there


def find_silence_that_passes(run: Run) -> Iterator[Place]:
    """An empty population passes, and `where` names what may be misspelt."""
    for policy, rule in run.rules():
        if rule.qualifiers.no_data not in {NoData.PASS, NoData.SKIP}:
            continue
        named = next((one for one in positive(rule.statement.where) if one.field in _NAMES and one.operator is not Operator.PRESENT), None)
        if named is not None:
            message = f"with no_data: {rule.qualifiers.no_data}, a misspelled {named.field} ({clean_line(named.literals[0].text)}) would go unnoticed"
            hint = "With no_data: quiet, an empty window passes if such jobs were observed before; otherwise the rule is inconclusive."
            yield Place(policy, place_of(rule, named.location), message, hint, rule)


def find_unreliable_size(run: Run) -> Iterator[Place]:
    """A size of backups of which AWS records none."""
    for policy, rule in run.rules():
        types = required(own_conditions(rule), "ResourceType")
        wrong = [name for name in types if name.lower() in _SIZELESS]
        compared = next((one for one in comparisons(own_conditions(rule)) if one.field in _SIZES and one.operator is not Operator.PRESENT), None)
        if wrong and compared is not None:
            told = "as 0" if _SIZELESS[wrong[0].lower()] == "0" else "not at all"
            message = f"AWS records the size of {clean_line(wrong[0])} backups {told}: {compared.field} says nothing about them"
            yield Place(policy, place_of(rule, compared.location), message, "Exclude these types, or compare another field.", rule)


def find_missing_inventory(run: Run) -> Iterator[Place]:
    """An inventory that the run file does not name: the rule is inconclusive for ever."""
    if run.inventories is None:
        return
    for policy, rule in run.rules():
        requirement = rule.statement.requirement
        if isinstance(requirement, Expectation) and (inventory := requirement.given_inventory) is not None and inventory.text not in run.inventories:
            yield _no_inventory(policy, rule, inventory.text, None)
        for comparison in all_comparisons(rule):
            if comparison.field == "in_inventory" and comparison.operator is Operator.IS:
                yield from (_no_inventory(policy, rule, one.text, comparison) for one in comparison.literals if one.text not in run.inventories)


def _no_inventory(policy: Policy, rule: Rule, name: str, comparison: Comparison | None) -> Place:
    message = f"the run file names no inventory {clean_line(name)}: the rule is always inconclusive"
    location = place_of(rule, comparison.location) if comparison else rule.location
    return Place(policy, location, message, f"Name it there: inventories: {{{clean_line(name)}: inventory.csv}}", rule)


def find_service_role(run: Run) -> Iterator[Place]:
    """A rule on role names that finds the role of AWS Backup itself."""
    for policy, rule in run.rules():
        dataset: Dataset = rule.statement.list
        requirement = rule.statement.requirement
        if not isinstance(requirement, AllMatch) or not fields_of(requirement.condition) & {"IamRoleArn", "IamRoleName"}:
            continue
        role = And((equals("IamRoleArn", _SERVICE_ROLE), equals("IamRoleName", _SERVICE_ROLE.rpartition("/")[2])))
        names = next(one for one in comparisons(requirement.condition) if one.field in {"IamRoleArn", "IamRoleName"})
        # Of a rule that is about another name, or leaves the service's roles out, nothing is said.
        about = any("AWSBackup" in literal.text for literal in names.literals)
        if about and is_impossible(And((role, requirement.condition)), dataset) and not is_impossible(And((role, chosen(rule))), dataset):
            message = "the rule also checks AWS Backup's own role (aws-service-role/.../AWSServiceRoleForBackup), whose name cannot be changed"
            hint = 'for jobs with IAM role not containing "/aws-service-role/", IAM role must contain AWSBackup or AwsBackup'
            yield Place(policy, place_of(rule, names.location), message, hint, rule)


_SERVICE_ROLE = "arn:aws:iam::111122223333:role/aws-service-role/backup.amazonaws.com/AWSServiceRoleForBackup"
"""How the service-linked role looks in any account."""
