"""The options that commands share, each declared once: the command line, the run file and the GitHub Action take them from here.

A field of `RunOptions` is an option: its type is what a command takes, its default what applies where nothing is said, and `Option` tells the rest. From it
come the options of the commands (`cli.options`), the keys of the run file and their schema (`settings.schema`), and, by `make docs`, the inputs of the action
and tables of the documentation. An option of a single command that neither the run file nor the action has may stay a parameter of that command.
"""

# No deferred annotations here: the fields are read as they stand.
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, get_args, get_origin

from msgspec import Struct
from msgspec.structs import fields

from policycheck.engine.backends.registry import DEFAULT_ENGINE, ENGINES
from policycheck.formats.registry import FORMATS
from policycheck.settings.option import AWS, EVALUATION, EVIDENCE, OUTPUT, Option

SOURCES = "sources."
"""What the keys of the run file begin with that say where jobs come from."""
CATEGORY = r"^[A-Za-z0-9_.:-]([A-Za-z0-9_.:/ -]{0,98}[A-Za-z0-9_.:-])?$"
"""What a category is made of: it becomes a part of an id with slashes."""
_CATEGORY_OF_ACTION = (
    "Name of this check among several of one repository, for its alerts, its comment and its baseline. Default: the workflow's file and the job, WORKFLOW/JOB; "
    "the jobs of a matrix that check the same policies need one each."
)
_FETCHING = ("check", "init", "list", "fetch")
"""Commands that fetch jobs with every option of a connection; `list` stands for list-backup-jobs and its like."""
_OTHER_ENGINES = "".join(f", or {name} (extra {name})" for name in ENGINES if name != DEFAULT_ENGINE)


class RunOptions(Struct, frozen=True, kw_only=True):
    """Every shared option, in the order of the help of `check`, which has them all."""

    policies: Annotated[
        list[str] | None,
        Option(
            help="Policy files, folders or names of shipped packs.",
            cli="Default: those of the run file.",
            metavar="POLICY",
            argument=True,
            commands=("check", "lint", "test", "explain", "permissions", "fetch", "backtest"),
            help_of={
                "lint": "Policy files, folders or names of shipped packs. Default: those of the run file, or the folder policies.",
                "test": "Policies, folders, shipped packs, or test files. Default: those of the run file, or the folder policies.",
                "fetch": "Policies whose job lists and Regions are fetched. Default: those of the run file, or every list.",
            },
            completion="packs",
            key="policies",
            input=True,
            action="Default: those of the run file.",
        ),
    ] = None
    jobs: Annotated[
        list[str] | None,
        Option(
            help="Saved job lists or AWS Backup job reports: files, folders, archives or s3://BUCKET/PREFIX.",
            cli="Use - for stdin. Default: fetch from AWS.",
            metavar="PATH",
            panel=EVIDENCE,
            first_of=("check",),
            commands=("check", "init", "explain", "backtest"),
            key="sources.jobs",
            input=True,
            action="Default: the sources of the run file, or fetch from AWS.",
        ),
    ] = None
    output: Annotated[
        list[str] | None,
        Option(
            help=f"Report format, to stdout or to a file. Formats: {', '.join(FORMATS)}.",
            metavar="FORMAT[=PATH]",
            short="-o",
            panel=OUTPUT,
            first_of=("check",),
            commands=("check", "report"),
            completion="formats",
            key="outputs",
            key_help="Reports: the file to which each format is written, or: stdout",
        ),
    ] = None
    add_output: Annotated[
        list[str] | None,
        Option(
            help="Report in addition to those of --output or the run file, FORMAT=PATH.",
            metavar="FORMAT=PATH",
            panel=OUTPUT,
            completion="formats",
            input="Report in addition to those of the run file and of the output directory, FORMAT=PATH, such as csv=population.csv. One per line.",
        ),
    ] = None
    bundle: Annotated[
        str | None,
        Option(
            help="Write an evidence bundle (ZIP), which holds what was read and the verdicts, for `policycheck verify` and for `reperform.py`.",
            metavar="FILE",
            panel=OUTPUT,
            key="bundle",
            input=True,
        ),
    ] = None
    as_of: Annotated[
        str | None,
        Option(
            help="Evaluation time, ISO 8601 or now. Required for saved job lists, which do not record when they were saved.",
            metavar="TIME|now",
            panel=EVIDENCE,
            first_of=("check",),
            commands=("check", "init", "lint", "explain"),
            help_of={"lint": "Time at which waivers are checked, ISO 8601. Default: that of the run file, or now."},
            key="sources.as_of",
            input=True,
        ),
    ] = None
    covers: Annotated[
        str | None,
        Option(
            help="Time range, FROM..TO, that you assert the saved job lists cover completely.",
            metavar="FROM..TO",
            panel=EVIDENCE,
            commands=("check", "init", "explain", "backtest"),
            key="sources.covers",
            input=True,
        ),
    ] = None
    from_: Annotated[
        str | None,
        Option(
            help="Evaluate a period step by step: its beginning, ISO 8601, or how long before its end (90d).",
            metavar="TIME|DURATION",
            panel=EVALUATION,
            commands=("check", "backtest"),
            input=True,
        ),
    ] = None
    to: Annotated[
        str | None,
        Option(
            help="End of the period, ISO 8601 or now. Default: the time of --as-of.",
            metavar="TIME|now",
            panel=EVALUATION,
            commands=("check", "backtest"),
            input="End of the period, ISO 8601 or now. Default: as-of.",
        ),
    ] = None
    every: Annotated[
        str | None,
        Option(help="Step of the period. Default: 1d.", metavar="DURATION", panel=EVALUATION, commands=("check", "backtest"), input=True),
    ] = None
    param: Annotated[
        list[str] | None,
        Option(
            help="Parameter of the policies, NAME=VALUE.",
            metavar="NAME=VALUE",
            panel=EVALUATION,
            commands=("check", "lint", "explain", "fetch", "backtest"),
            key="params",
            key_help="Parameters of the policies: their values by name",
            input=True,
        ),
    ] = None
    scope: Annotated[
        Path | None,
        Option(
            help="File that declares which accounts and Regions must be covered; replaces the scope of the policies.",
            metavar="FILE",
            panel=EVIDENCE,
            commands=("check", "explain", "backtest"),
            key="scope",
            key_help="The accounts and Regions that must be covered; replaces the scope of the policies",
            input=True,
        ),
    ] = None
    waivers: Annotated[
        list[str] | None,
        Option(
            help="File of waivers, in addition to those in the policies.",
            metavar="PATH",
            panel=EVALUATION,
            commands=("check", "lint", "explain", "backtest"),
            key="waivers",
            key_help="Files of waivers, in addition to those in the policies",
            input=True,
        ),
    ] = None
    inventory: Annotated[
        list[str] | None,
        Option(
            help="Inventory of resources (CSV, JSON or YAML) by the name that rules use, NAME=PATH.",
            metavar="NAME=PATH",
            panel=EVIDENCE,
            commands=("check", "explain", "backtest"),
            key="inventories",
            key_help="Inventories of resources (CSV, JSON or YAML) by the name that rules use",
            input=True,
        ),
    ] = None
    select: Annotated[
        list[str] | None,
        Option(
            help="Evaluate only this rule: RULE or POLICY/RULE.",
            metavar="ID",
            panel=EVALUATION,
            commands=("check", "backtest"),
            key="select",
            key_help="Evaluate only these rules: RULE or POLICY/RULE",
            input=True,
        ),
    ] = None
    ignore: Annotated[
        list[str] | None,
        Option(
            help="Omit this rule: RULE or POLICY/RULE.",
            metavar="ID",
            panel=EVALUATION,
            commands=("check", "backtest"),
            key="ignore",
            key_help="Omit these rules: RULE or POLICY/RULE",
            input=True,
        ),
    ] = None
    framework: Annotated[
        list[str] | None,
        Option(
            help="Evaluate only rules that name a control of this framework, such as soc2.",
            metavar="NAME",
            panel=EVALUATION,
            key="frameworks",
            key_help="Evaluate only rules that name a control of one of these frameworks",
            input=True,
        ),
    ] = None
    controls: Annotated[
        list[str] | None,
        Option(
            help="Matrix of your own controls, YAML or CSV; reports show the verdict of each control.",
            metavar="FILE",
            key="controls",
            key_help="Matrices of your own controls, YAML or CSV",
            panel=EVALUATION,
            input=True,
        ),
    ] = None
    wait: Annotated[
        str | None,
        Option(
            help="Run as a gate: fetch and evaluate repeatedly until every rule passes, a rule can no longer pass, or this time is up (example: 30m).",
            metavar="DURATION",
            panel=EVALUATION,
            input=True,
        ),
    ] = None
    poll: Annotated[
        str | None,
        Option(help="Pause between two polls of a gate. Default: 30s.", metavar="DURATION", panel=EVALUATION, input=True),
    ] = None
    fail_on: Annotated[
        str,
        Option(
            help="Lowest severity that fails the run: critical, high, medium, low, info or never.",
            metavar="SEVERITY",
            panel=EVALUATION,
            first_of=("check",),
            completion="severities",
            key="fail_on",
            key_help="Lowest severity that fails the run. Default: low",
            input=True,
            action="Default: that of the run file, or low.",
        ),
    ] = "low"
    baseline: Annotated[
        Path | None,
        Option(
            help="A result that an earlier run wrote (--output json=FILE): reports say which findings are new since then, unchanged, gone, or not seen.",
            metavar="RESULT.json",
            panel=EVALUATION,
            commands=("check", "report"),
            key="baseline",
            key_help="The result of an earlier run: reports say which findings are new since then, unchanged, gone, or not seen",
            input="Result to compare the findings with: a file that an earlier run wrote, or last: what an earlier run of this check kept in the cache.",
        ),
    ] = None
    fail_on_new: Annotated[
        bool,
        Option(
            help="Findings that the baseline has do not fail the run; new ones do.",
            panel=EVALUATION,
            key="fail_on_new",
            input=True,
        ),
    ] = False
    category: Annotated[
        str | None,
        Option(
            help="Name of this check among several of one repository and policy, so that code scanning keeps their alerts apart (SARIF).",
            metavar="NAME",
            panel=OUTPUT,
            variable="POLICYCHECK_CATEGORY",
            commands=("check", "report"),
            key="category",
            input=_CATEGORY_OF_ACTION,
        ),
    ] = None
    min_severity: Annotated[
        str | None,
        Option(
            help="Show only findings of this severity or higher. It changes no verdict and no exit code.",
            metavar="SEVERITY",
            panel=OUTPUT,
            commands=("check", "report"),
            key="min_severity",
            key_help="Show only findings of this severity or higher, which changes no verdict and no exit code",
            input=True,
        ),
    ] = None
    verbose: Annotated[
        bool,
        Option(
            help="Show every finding and all details. Without it, text on stdout fits one screen; text in a file is always complete.",
            short="-v",
            panel=OUTPUT,
            commands=("check", "report"),
            key="verbose",
            key_help="Show everything in the text report on stdout, which fits a screen otherwise",
        ),
    ] = False
    show_passed: Annotated[
        bool,
        Option(help="Show the rules that passed, too.", panel=OUTPUT, commands=("check", "report"), key="show_passed", input=True),
    ] = False
    junit_strict: Annotated[
        bool,
        Option(help="Omit file and line from JUnit XML, which strict XSDs do not allow.", panel=OUTPUT, commands=("check", "report")),
    ] = False
    redact: Annotated[
        bool,
        Option(
            help="Replace account IDs, names and ARNs with pseudonyms in every report. The key is in POLICYCHECK_REDACT_KEY.",
            panel=OUTPUT,
            commands=("check", "report"),
            key="redact",
            input=True,
        ),
    ] = False
    quiet: Annotated[
        bool,
        Option(
            help="Print no summary, warning or progress to stderr.",
            short="-q",
            panel=OUTPUT,
            commands=("check", "init", "explain", "fetch", "report", "backtest"),
            help_of={"explain": "Print no warning or progress to stderr."},
        ),
    ] = False
    no_color: Annotated[
        bool,
        Option(
            help="Print no color; the variable NO_COLOR does the same.",
            panel=OUTPUT,
            commands=("check", "lint", "explain", "report", "backtest"),
            variable="NO_COLOR",
        ),
    ] = False
    config: Annotated[
        Path | None,
        Option(
            help="Run file. Default: policycheck.yaml in the working directory or the nearest folder above it, up to the top of the repository.",
            metavar="FILE",
            panel=EVALUATION,
            commands=("check", "lint", "test", "explain", "permissions", "fetch", "backtest"),
            input=True,
        ),
    ] = None
    no_config: Annotated[
        bool, Option(help="Read no run file.", panel=EVALUATION, commands=("check", "lint", "test", "explain", "permissions", "fetch", "backtest"))
    ] = False
    engine: Annotated[
        str,
        Option(
            help=f"Engine that evaluates: {DEFAULT_ENGINE}{_OTHER_ENGINES}. It changes no verdict and no finding.",
            metavar="NAME",
            panel=EVALUATION,
            commands=("check", "explain", "backtest"),
            key="engine",
            key_help="Engine that evaluates; it changes no verdict and no finding",
            input=True,
            action="The action installs it.",
        ),
    ] = DEFAULT_ENGINE
    profile: Annotated[
        list[str] | None,
        Option(
            help="Profile of the AWS configuration; jobs are fetched from its account.",
            metavar="NAME",
            commands=(*_FETCHING, "explain"),
            aws=True,
            key="sources.profile",
            key_help="Profile of the AWS configuration, or a list of them; jobs are fetched from the account of each",
            variable="AWS_PROFILE",
            input=True,
        ),
    ] = None
    region: Annotated[
        list[str] | None,
        Option(
            help="AWS Region to fetch from, or all. Default: the configured Region.",
            metavar="REGION",
            first_of=("check",),
            commands=(*_FETCHING, "explain", "permissions"),
            aws=True,
            key="sources.regions",
            key_help="AWS Regions to fetch from, or: [all]. Default: the configured Region",
            input=True,
        ),
    ] = None
    role_arn: Annotated[
        list[str] | None,
        Option(
            help="IAM role to assume; jobs are fetched from its account.",
            metavar="ARN",
            commands=(*_FETCHING, "explain", "permissions"),
            aws=True,
            key="sources.role_arns",
            key_help="IAM roles to assume; jobs are fetched from the account of each",
            input=True,
        ),
    ] = None
    accounts: Annotated[
        str | None,
        Option(
            help="File of accounts and the IAM role to assume in each: YAML, JSON, CSV, or the output of `aws organizations list-accounts`.",
            metavar="FILE",
            commands=(*_FETCHING, "explain", "permissions"),
            aws=True,
            key="sources.accounts",
            input=True,
        ),
    ] = None
    role_external_id: Annotated[
        str | None,
        Option(
            help="External ID for the roles, if the file of accounts does not give one.",
            metavar="ID",
            commands=(*_FETCHING, "explain"),
            aws=True,
            key="sources.role_external_id",
            input=True,
        ),
    ] = None
    role_session_name: Annotated[
        str | None,
        Option(
            help="Session name for the roles, which CloudTrail shows. Default: policycheck.",
            metavar="NAME",
            commands=(*_FETCHING, "explain"),
            aws=True,
            key="sources.role_session_name",
            variable="AWS_ROLE_SESSION_NAME",
            input=True,
        ),
    ] = None
    account_id: Annotated[
        str | None,
        Option(
            help='Account of the organization whose jobs are listed, or "*" for all accounts.',
            metavar="ID",
            commands=(*_FETCHING, "permissions"),
            aws=True,
            key="sources.account_id",
            input=True,
        ),
    ] = None
    longest_job: Annotated[
        str | None,
        Option(
            help="Duration that you assert no job exceeds (example: 8d). Older jobs are then fetched only if a rule looks further back.",
            metavar="DURATION",
            commands=("check", "explain"),
            aws=True,
            key="sources.longest_job",
            input=True,
        ),
    ] = None
    explain_fetch: Annotated[
        bool,
        Option(
            help="Print to stderr what is requested from AWS, and then the calls, pages, retries and refusals of each account and Region.",
            commands=("check", "init", "fetch"),
            aws=True,
        ),
    ] = False
    endpoint_url: Annotated[
        str | None,
        Option(
            help="Endpoint to use instead of that of AWS.",
            metavar="URL",
            commands=(*_FETCHING, "explain"),
            aws=True,
            not_in_file=True,
            variable="AWS_ENDPOINT_URL",
        ),
    ] = None
    ca_bundle: Annotated[
        str | None,
        Option(help="CA certificates to trust.", metavar="FILE", commands=_FETCHING, aws=True, not_in_file=True, variable="AWS_CA_BUNDLE"),
    ] = None
    no_verify_ssl: Annotated[bool, Option(help="Do not verify certificates.", commands=_FETCHING, aws=True, not_in_file=True)] = False
    no_sign_request: Annotated[bool, Option(help="Do not sign requests or load credentials.", commands=_FETCHING, aws=True, not_in_file=True)] = False
    cli_read_timeout: Annotated[int, Option(help="Time to wait for an answer; 0 for no limit.", metavar="SECONDS", commands=_FETCHING, aws=True)] = 60
    cli_connect_timeout: Annotated[int, Option(help="Time to wait for a connection; 0 for no limit.", metavar="SECONDS", commands=_FETCHING, aws=True)] = 60


class Declared(Struct, frozen=True):
    """One option as it is declared."""

    name: str
    """Of the field, as_of."""
    kind: Any
    """The type, `str | None`."""
    default: Any
    option: Option

    @property
    def flag(self) -> str:
        """--as-of"""
        return f"--{self.name.rstrip('_').replace('_', '-')}"

    @property
    def repeats(self) -> bool:
        """Whether it takes several values."""
        return any(get_origin(kind) is list for kind in get_args(self.kind))

    @property
    def key(self) -> str:
        """Its key in the run file, or in `sources` there."""
        return self.option.key.removeprefix(SOURCES)

    @property
    def panel(self) -> str:
        """The group of options that it stands with in a help, and in the tables of the documentation."""
        return self.option.panel or (AWS if self.option.aws else EVALUATION)

    def help_for(self, command: str) -> str:
        """What the help of a command says of it."""
        if command in self.option.help_of:
            return self.option.help_of[command]
        return _joined(self.option.help, self.option.cli, "Can be repeated." if self.repeats and not self.option.argument else "")

    @property
    def help_of_key(self) -> str:
        """What the schema and the page of the run file say of its key; the last sentence without its full stop."""
        return (self.option.key_help or self.option.help).removesuffix(".")

    @property
    def help_of_input(self) -> str:
        """What action.yml says of its input."""
        if isinstance(self.option.input, str):
            return self.option.input
        return _joined(self.option.help, "One per line." if self.repeats else "Value: true or false." if self.is_switch else "", self.option.action)

    @property
    def is_switch(self) -> bool:
        """Whether it is given without a value."""
        return self.kind is bool

    @property
    def input(self) -> str:
        """Its name as an input of the action."""
        return (self.key or self.name.rstrip("_")).replace("_", "-")


def _joined(*sentences: str) -> str:
    return " ".join(filter(None, sentences))


def _declared() -> Mapping[str, Declared]:
    split = ((one, *get_args(one.type)) for one in fields(RunOptions))
    return MappingProxyType({one.name: Declared(one.name, kind, one.default, option) for one, kind, option in split})


OPTIONS = _declared()
"""By the name of the field."""
CONNECTION = tuple(name for name, one in OPTIONS.items() if one.option.aws and name not in ("longest_job", "explain_fetch"))
"""How AWS is reached."""
SOURCE = tuple(name for name, one in OPTIONS.items() if one.option.key.startswith(SOURCES))
"""What the run file says of where jobs come from."""
SAVED_LISTS = tuple(name for name in SOURCE if not OPTIONS[name].option.aws)
"""Of these, what is about saved lists."""
