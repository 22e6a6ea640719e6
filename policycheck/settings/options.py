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
from policycheck.settings.option import Option

SOURCES = "sources."
"""What the keys of the run file begin with that say where jobs come from."""
CATEGORY = r"^[A-Za-z0-9_.:-]([A-Za-z0-9_.:/ -]{0,98}[A-Za-z0-9_.:-])?$"
"""What a category is made of: it becomes a part of an id with slashes."""
_FETCHING = ("check", "init", "list", "fetch")
"""Commands that fetch jobs with every option of a connection; `list` stands for list-backup-jobs and its like."""
_OTHER_ENGINES = "".join(f", or {name} (extra {name})" for name in ENGINES if name != DEFAULT_ENGINE)


class RunOptions(Struct, frozen=True, kw_only=True):
    """Every shared option, in the order of the help of `check`, which has them all."""

    policies: Annotated[
        list[str] | None,
        Option(
            help="Policy files, folders or names of shipped packs. Without any: those of the run file.",
            metavar="POLICY",
            argument=True,
            commands=("check", "lint", "explain", "permissions", "fetch"),
            help_of={"fetch": "Policies whose lists and Regions are fetched. Without any: the run file's, or every list."},
            completion="packs",
            key="policies",
            key_help="Policy files, folders and names of shipped packs",
            input="Policy files, folders or names of shipped packs, one a line. Without it, the run file says.",
        ),
    ] = None
    jobs: Annotated[
        list[str] | None,
        Option(
            help="A saved job list, or a job report of AWS Backup: a file, a folder, s3://BUCKET/PREFIX, an archive, or - for stdin. Repeat for more. "
            "Without it the jobs are fetched from AWS.",
            metavar="PATH",
            commands=("check", "init", "explain"),
            key="sources.jobs",
            key_help="Saved job lists: files, folders and s3://BUCKET/PREFIX",
            input="Saved job lists, files or folders, one a line. Without it (and without sources in the run file) the jobs are fetched from AWS.",
        ),
    ] = None
    output: Annotated[
        list[str] | None,
        Option(
            help=f"Report format, to stdout or to a file. Repeat for more. Formats: {', '.join(FORMATS)}.",
            metavar="FORMAT[=PATH]",
            short="-o",
            commands=("check", "report"),
            completion="formats",
            key="outputs",
            key_help="Reports: the file each format is written to, or: stdout",
        ),
    ] = None
    bundle: Annotated[
        str | None,
        Option(
            help="Write an evidence bundle (ZIP): what was read and what it came to, for policycheck verify and for reperform.py.",
            metavar="FILE",
            key="bundle",
            key_help="The evidence bundle (ZIP) that is written",
            input="Write an evidence bundle (ZIP) to this file: what was read and what it came to, for policycheck verify.",
        ),
    ] = None
    as_of: Annotated[
        str | None,
        Option(
            help="The instant everything is measured from, ISO 8601. Saved lists need it: they do not say when they were made.",
            metavar="TIME|now",
            commands=("check", "init", "lint", "explain"),
            help_of={"lint": "The instant at which waivers are looked at, ISO 8601; now, unless the run file says."},
            key="sources.as_of",
            key_help="The instant everything is measured from, ISO 8601, or: now",
            input="The instant everything is measured from, ISO 8601 or now. Saved lists need it.",
        ),
    ] = None
    covers: Annotated[
        str | None,
        Option(
            help="Your claim of the time the saved lists cover completely.",
            metavar="FROM..TO",
            commands=("check", "init", "explain"),
            key="sources.covers",
            key_help="Your claim of the time the saved lists cover completely: FROM..TO",
            input="Your claim of the time that saved lists cover completely, FROM..TO.",
        ),
    ] = None
    param: Annotated[
        list[str] | None,
        Option(
            help="Set a policy's parameter. Repeat for more.",
            metavar="NAME=VALUE",
            commands=("check", "lint", "explain", "fetch"),
            key="params",
            key_help="Values of the policies' parameters",
            input="Parameters of policies, one NAME=VALUE a line.",
        ),
    ] = None
    scope: Annotated[
        Path | None,
        Option(
            help="The accounts and Regions that must be covered; replaces the policies' own scope.",
            metavar="FILE",
            commands=("check", "explain"),
            key="scope",
            key_help="What must be covered; replaces the policies' own scope",
            input="The file that declares which accounts and Regions must be covered; replaces the policies' own scope.",
        ),
    ] = None
    waivers: Annotated[
        list[str] | None,
        Option(
            help="A file of waivers, beside those in the policies. Repeat for more.",
            metavar="PATH",
            commands=("check", "lint", "explain"),
            key="waivers",
            key_help="Files of waivers",
            input="Files of waivers, one a line.",
        ),
    ] = None
    inventory: Annotated[
        list[str] | None,
        Option(
            help="An inventory of resources, by the name that rules give it: CSV, JSON or YAML. Repeat for more.",
            metavar="NAME=PATH",
            commands=("check", "explain"),
            key="inventories",
            key_help="Inventory files, by the name that rules use",
            input="Lists of what must be backed up, one NAME=PATH a line.",
        ),
    ] = None
    select: Annotated[
        list[str] | None,
        Option(
            help="Judge these rules only (RULE or POLICY/RULE). Repeat for more.",
            metavar="ID",
            key="select",
            key_help="Judge these rules only: RULE or POLICY/RULE",
            input="Judge these rules only, one RULE or POLICY/RULE a line.",
        ),
    ] = None
    ignore: Annotated[
        list[str] | None,
        Option(
            help="Leave these rules out (RULE or POLICY/RULE). Repeat for more.",
            metavar="ID",
            key="ignore",
            key_help="Leave these rules out: RULE or POLICY/RULE",
            input="Leave these rules out, one RULE or POLICY/RULE a line.",
        ),
    ] = None
    framework: Annotated[
        list[str] | None,
        Option(
            help="Judge only rules that name a control of this framework (soc2, ...). Repeat for more.",
            metavar="NAME",
            key="frameworks",
            key_help="Judge only rules that name a control of one of these frameworks",
        ),
    ] = None
    wait: Annotated[
        str | None,
        Option(
            help="A gate: fetch and judge again until every rule passes, one cannot pass any more, or time is up (30m).",
            metavar="DURATION",
            input="How long to wait for jobs that are not decided yet, such as 30m.",
        ),
    ] = None
    poll: Annotated[
        str | None,
        Option(
            help="How long --wait pauses between two looks; 30s if not given.",
            metavar="DURATION",
            input="How often to look while waiting, such as 30s.",
        ),
    ] = None
    fail_on: Annotated[
        str,
        Option(
            help="The least severity that fails the run: critical, high, medium, low, info or never.",
            metavar="SEVERITY",
            completion="severities",
            key="fail_on",
            key_help="The least severity that fails the run; low where nothing says",
            input="The least severity that fails the step: critical, high, medium, low, info or never. Without it, low (or what the run file says).",
        ),
    ] = "low"
    baseline: Annotated[
        Path | None,
        Option(
            help="A result that an earlier run wrote (--output json=FILE): reports say which findings are new since then, unchanged, gone, or not seen.",
            metavar="RESULT.json",
            commands=("check", "report"),
            key="baseline",
            key_help="The result of an earlier run: reports say which findings are new since then, unchanged, gone, or not seen",
        ),
    ] = None
    fail_on_new: Annotated[
        bool,
        Option(
            help="Findings that the baseline has do not fail the run; new ones do.",
            key="fail_on_new",
            key_help="Findings that the baseline has do not fail the run; new ones do: true",
        ),
    ] = False
    category: Annotated[
        str | None,
        Option(
            help="Name of this check among several of one repository and policy, so that code scanning keeps their alerts apart (SARIF).",
            metavar="NAME",
            variable="POLICYCHECK_CATEGORY",
            commands=("check", "report"),
            key="category",
            key_help="Name of this check among several of one repository and policy, so that code scanning keeps their alerts apart (SARIF)",
        ),
    ] = None
    min_severity: Annotated[
        str | None,
        Option(
            help="Show only findings of this severity or worse; changes nothing else.",
            metavar="SEVERITY",
            commands=("check", "report"),
            key="min_severity",
            key_help="Show only findings of this severity or worse; changes nothing else",
        ),
    ] = None
    show_passed: Annotated[bool, Option(help="Show the rules that passed as well.", commands=("check", "report"))] = False
    junit_strict: Annotated[bool, Option(help="Leave out of JUnit what the common XSDs do not know (file, line).", commands=("check", "report"))] = False
    redact: Annotated[
        bool,
        Option(
            help="Put pseudonyms in place of account ids, names and ARNs in every report; the key is in POLICYCHECK_REDACT_KEY.",
            commands=("check", "report"),
            key="redact",
            key_help="Put pseudonyms in place of account ids, names and ARNs in every report: true",
        ),
    ] = False
    quiet: Annotated[
        bool,
        Option(
            help="No summary, warning or progress on stderr.",
            short="-q",
            commands=("check", "init", "explain", "fetch", "report"),
            help_of={"explain": "No warning or progress on stderr.", "fetch": "No summary, warning or progress on stderr."},
        ),
    ] = False
    no_color: Annotated[bool, Option(help="No colour; NO_COLOR does the same.", commands=("check", "lint", "explain", "report"), variable="NO_COLOR")] = False
    config: Annotated[
        Path | None,
        Option(
            help="The run file; without it policycheck.yaml, here or in the nearest folder above, up to the repository's root.",
            metavar="FILE",
            commands=("check", "lint", "explain", "permissions", "fetch"),
            input="The run file. Without it and without policies, policycheck.yaml is looked for upwards from the working directory.",
        ),
    ] = None
    no_config: Annotated[bool, Option(help="Read no run file.", commands=("check", "lint", "explain", "permissions", "fetch"))] = False
    engine: Annotated[
        str,
        Option(
            help=f"What computes: {DEFAULT_ENGINE}{_OTHER_ENGINES}. It changes no verdict and no finding.",
            metavar="NAME",
            commands=("check", "explain"),
            key="engine",
            key_help="What computes; it changes no verdict and no finding",
            input=f"What computes: {' or '.join(ENGINES)}, which the action then installs. It changes no verdict and no finding.",
        ),
    ] = DEFAULT_ENGINE
    profile: Annotated[
        list[str] | None,
        Option(
            help="A profile of your AWS configuration. Repeat for more accounts.",
            metavar="NAME",
            commands=(*_FETCHING, "explain"),
            aws=True,
            key="sources.profile",
            key_help="A profile of the AWS configuration, or a list of them, one account each",
            variable="AWS_PROFILE",
            input="Profiles of the AWS configuration, one a line; the account of each is fetched.",
        ),
    ] = None
    region: Annotated[
        list[str] | None,
        Option(
            help="An AWS Region, or all. Repeat for more. Without it: the configured Region.",
            metavar="REGION",
            commands=(*_FETCHING, "explain", "permissions"),
            aws=True,
            key="sources.regions",
            key_help="AWS Regions, or: [all]",
            input="The AWS Regions to fetch from, one a line, or all. Without it, the configured Region.",
        ),
    ] = None
    role_arn: Annotated[
        list[str] | None,
        Option(
            help="IAM role to assume; jobs are fetched from its account. Repeat for more accounts.",
            metavar="ARN",
            commands=(*_FETCHING, "explain", "permissions"),
            aws=True,
            key="sources.role_arns",
            key_help="Roles to assume, one account each",
            input="Roles to assume, one ARN a line; the account of each is fetched.",
        ),
    ] = None
    accounts: Annotated[
        str | None,
        Option(
            help="A list of accounts and the role to assume in each: YAML, JSON, CSV, or what `aws organizations list-accounts` prints.",
            metavar="FILE",
            commands=(*_FETCHING, "explain", "permissions"),
            aws=True,
            key="sources.accounts",
            key_help="A file that lists accounts and the role to assume in each",
            input="A file that lists accounts and the role to assume in each: YAML, JSON, CSV, or what `aws organizations list-accounts` prints.",
        ),
    ] = None
    role_external_id: Annotated[
        str | None,
        Option(
            help="External ID for the roles, if the list of accounts does not give one.",
            metavar="ID",
            commands=(*_FETCHING, "explain"),
            aws=True,
            key="sources.role_external_id",
            key_help="External ID for the roles, if the list of accounts does not give one",
            input="External ID for the roles, if the list of accounts does not give one.",
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
            key_help="Session name for the roles, which CloudTrail shows; policycheck where nothing says",
            variable="AWS_ROLE_SESSION_NAME",
        ),
    ] = None
    account_id: Annotated[
        str | None,
        Option(
            help='List an account of the organization, or "*" for all of them.',
            metavar="ID",
            commands=(*_FETCHING, "permissions"),
            aws=True,
            key="sources.account_id",
            key_help='An account of the organization, or "*" for all of them',
        ),
    ] = None
    longest_job: Annotated[
        str | None,
        Option(
            help="Your claim that no job takes longer (8d): older ones are not fetched where no rule looks further back.",
            metavar="DURATION",
            commands=("check", "explain"),
            aws=True,
            key="sources.longest_job",
            key_help="Your claim that no job takes longer, which narrows what is fetched: 8d",
        ),
    ] = None
    explain_fetch: Annotated[
        bool,
        Option(
            help="Print to stderr what will be asked of AWS, and afterwards what was: calls, pages, retries and refusals by account and Region.",
            commands=("check", "init", "fetch"),
            aws=True,
        ),
    ] = False
    endpoint_url: Annotated[
        str | None,
        Option(
            help="Another endpoint than AWS's own.",
            metavar="URL",
            commands=(*_FETCHING, "explain"),
            aws=True,
            not_in_file=True,
            variable="AWS_ENDPOINT_URL",
        ),
    ] = None
    ca_bundle: Annotated[
        str | None,
        Option(help="The CA certificates to trust.", metavar="FILE", commands=_FETCHING, aws=True, not_in_file=True, variable="AWS_CA_BUNDLE"),
    ] = None
    no_verify_ssl: Annotated[bool, Option(help="Do not verify certificates.", commands=_FETCHING, aws=True, not_in_file=True)] = False
    no_sign_request: Annotated[bool, Option(help="Do not sign requests; no credentials are loaded.", commands=_FETCHING, aws=True, not_in_file=True)] = False
    cli_read_timeout: Annotated[int, Option(help="How long to wait for an answer; 0: for ever.", metavar="SECONDS", commands=_FETCHING, aws=True)] = 60
    cli_connect_timeout: Annotated[int, Option(help="How long to wait for a connection; 0: for ever.", metavar="SECONDS", commands=_FETCHING, aws=True)] = 60


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
        return f"--{self.name.replace('_', '-')}"

    @property
    def repeats(self) -> bool:
        """Whether it takes several values."""
        return any(get_origin(kind) is list for kind in get_args(self.kind))

    @property
    def key(self) -> str:
        """Its key in the run file, or in `sources` there."""
        return self.option.key.removeprefix(SOURCES)

    @property
    def input(self) -> str:
        """Its name as an input of the action."""
        return (self.key or self.name).replace("_", "-")


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
