"""Every check, by its code: PC0xx logic and values, PC1xx evidence, PC2xx waivers, PC3xx the file, PC4xx tests, PC5xx schedules, PC9xx suppressions.

A code keeps its meaning for ever; one that is given up is not given again. Each has its page in docs/lint.
"""

from __future__ import annotations

from types import MappingProxyType

from policycheck.policy.lint import evidence, logic, policyfile, values, waiving
from policycheck.policy.lint.finding import Check, Checks, Level

ERROR, WARNING, INFO = Level

CHECKS: Checks = MappingProxyType(
    {
        check.code: check
        for check in (
            Check("PC001", "contradictory-population", ERROR, "where cannot be true of any job", logic.find_contradictory_population),
            Check("PC002", "contradictory-condition", ERROR, "what the rule requires cannot be true of any job", logic.find_contradictory_condition),
            Check("PC003", "rule-cannot-fail", ERROR, "no job that the rule selects can violate it", logic.find_rule_that_cannot_fail),
            Check("PC004", "rule-cannot-pass", ERROR, "every job that the rule selects violates it", logic.find_rule_that_cannot_pass),
            Check("PC005", "population-out-of-scope", ERROR, "where names only what is outside the scope", logic.find_population_out_of_scope),
            Check("PC006", "dead-alternative", WARNING, "a value or an alternative that the rest of the rule excludes", logic.find_dead_alternative),
            Check("PC007", "repeated-value", WARNING, "a list names one value twice", logic.find_repeated_value),
            Check("PC010", "near-miss-value", WARNING, "a value that differs from a known one only in spelling", values.find_near_miss),
            Check("PC011", "malformed-region", WARNING, "a value that cannot be a Region", values.find_malformed_region),
            Check("PC101", "failed-alone", WARNING, "FAILED is forbidden, and nothing evaluates EXPIRED, ABORTED or PARTIAL", evidence.find_failed_alone),
            Check("PC102", "unknown-outcome-accepted", WARNING, "a job whose outcome was not recorded counts as good", evidence.find_accepted_unknown_outcome),
            Check("PC103", "issues-unjudged", INFO, "no rule checks jobs that COMPLETED with issues", evidence.find_unjudged_issues),
            Check("PC104", "window-beyond-horizon", WARNING, "a window longer than AWS lists backup jobs", evidence.find_window_beyond_horizon),
            Check("PC105", "limit-below-an-hour", WARNING, "an age limit that no backup plan can keep", evidence.find_limit_below_an_hour),
            Check("PC106", "limit-without-slack", INFO, "an age limit of exactly the interval of a daily or weekly plan", evidence.find_limit_without_slack),
            Check("PC107", "outcome-without-window", INFO, "a rule on each job's end without a window", evidence.find_outcome_without_window),
            Check("PC108", "clock-hides-jobs", WARNING, "a clock that keeps ended jobs out of every window", evidence.find_clock_that_hides_jobs),
            Check(
                "PC109", "silence-passes", WARNING, "the rule passes without data, and a name in where might be misspelled", evidence.find_silence_that_passes
            ),
            Check("PC110", "unreliable-size", WARNING, "a size limit on backups whose size AWS does not record", evidence.find_unreliable_size),
            Check("PC111", "missing-inventory", WARNING, "an inventory that the run file does not name", evidence.find_missing_inventory),
            Check("PC112", "service-role-judged", INFO, "a rule on role names that finds AWS Backup's own role", evidence.find_service_role),
            Check("PC201", "expired-waiver", WARNING, "a waiver that has expired", waiving.find_expired_waiver),
            Check("PC202", "waiver-expires-soon", INFO, "a waiver that expires within 14 days", waiving.find_waiver_that_expires_soon),
            Check("PC203", "waiver-matches-nothing", WARNING, "a waiver that no finding of its rule can match", waiving.find_waiver_that_matches_nothing),
            Check("PC204", "everything-waived", INFO, "a waiver of every finding of a rule", waiving.find_waiver_of_everything),
            Check("PC205", "repeated-waiver", WARNING, "two waivers of the same findings at the same time", waiving.find_repeated_waiver),
            Check("PC301", "unused-param", WARNING, "a parameter that nothing uses", policyfile.find_unused_param),
            Check("PC302", "duplicate-rule", WARNING, "two rules that say the same", policyfile.find_duplicate_rule),
            Check("PC303", "unexplained-rule", INFO, "a rule without why or fix", policyfile.find_unexplained_rule),
            Check("PC304", "undeclared-scope", INFO, "a policy that does not declare what must be covered", policyfile.find_undeclared_scope),
            Check(
                "PC305", "idle-exception", WARNING, "may_be_empty names an account or Region that the scope does not declare", policyfile.find_idle_exception
            ),
            Check("PC306", "malformed-control", WARNING, "an invalid control ID of its framework", policyfile.find_malformed_control),
            Check("PC307", "unlisted-control", INFO, "a control that is not known to ask about backups", policyfile.find_unlisted_control),
            Check("PC308", "misspelt-framework", WARNING, "a framework that differs from a known one only in spelling", policyfile.find_misspelt_framework),
            Check("PC309", "sentence-read-as", INFO, "a sentence that is read as another", policyfile.find_typed_sentence, always_shown=True),
            Check("PC401", "rule-never-seen-failing", WARNING, "a rule that no test of its policy makes fail"),
            Check("PC402", "untested-policy", INFO, "a policy without a test"),
            Check("PC501", "limit-below-schedule", WARNING, "an age limit shorter than the interval of the schedule that the rule names"),
            Check("PC901", "malformed-suppression", WARNING, "a suppression without a reason, or of a code that does not exist"),
            Check("PC902", "unused-suppression", WARNING, "a suppression that suppresses nothing"),
        )
    }
)
