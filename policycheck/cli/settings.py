"""What a run does: the options of the command line, and behind them what the run file says.

An option that is given on the command line replaces what the file says of it, a list as a whole; parameters are merged by name. A source named on the command
line replaces the file's source: the file's `as_of` and `covers` are claims about the file's lists, and its `longest_job` one about the jobs of its accounts;
they say nothing of others.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from policycheck.cli import completion
from policycheck.cli.diagnostics import show_note
from policycheck.cli.engine import DEFAULT_ENGINE
from policycheck.errors import UsageError

if TYPE_CHECKING:
    from policycheck.errors import Diagnostic
    from policycheck.policy.model import Scope
    from policycheck.policy.runfile import RunFile

Config = Annotated[
    Path | None,
    typer.Option(
        "--config", metavar="FILE", help="The run file; without it policycheck.yaml, here or in the nearest folder above, up to the repository's root."
    ),
]
NoConfig = Annotated[bool, typer.Option("--no-config", help="Read no run file.")]
Policies = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="POLICY", autocompletion=completion.packs, help="Policy files, folders or names of shipped packs. Without any: those of the run file."
    ),
]

_CONNECTION = (
    "profile",
    "region",
    "role_arn",
    "account_id",
    "endpoint_url",
    "ca_bundle",
    "no_verify_ssl",
    "no_sign_request",
    "cli_read_timeout",
    "cli_connect_timeout",
)
_AWS = {"profile": "profile", "region": "regions", "role_arn": "role_arns", "account_id": "account_id", "longest_job": "longest_job"}
_SOURCE = {"jobs": "jobs", "as_of": "as_of", "covers": "covers", **_AWS}
_CHOICES = {"select": "select", "ignore": "ignore", "framework": "frameworks"}
_OTHERS = {"fail_on": "fail_on", "min_severity": "min_severity", "scope": "scope", "output": "outputs", "waivers": "waivers", "inventory": "inventories"}
_KEYS = _SOURCE | _CHOICES | _OTHERS
"""Options and the members of a run file that say the same; policies and params have rules of their own."""

_FILE_ONLY = ("jobs", "as_of", "covers")
_REPLACED = {
    "jobs": tuple(_SOURCE),
    **dict.fromkeys((*_CONNECTION, "longest_job"), _FILE_ONLY),
    "profile": (*_FILE_ONLY, "longest_job"),
    "role_arn": (*_FILE_ONLY, "account_id", "longest_job"),
    "account_id": (*_FILE_ONLY, "role_arn", "longest_job"),
}
"""What else of the file an option of the command line replaces."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What `check` does: its options by their names, each from the command line, the run file or its default."""

    files: Sequence[tuple[Path, str]]
    """The policy files and what reports call them."""
    jobs: Sequence[str] | None = None
    output: Sequence[str] | None = None
    as_of: str | None = None
    covers: str | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    scope: Path | Scope | None = None
    waivers: Sequence[str] | None = None
    inventory: Sequence[str] | None = None
    select: Sequence[str] | None = None
    ignore: Sequence[str] | None = None
    framework: Sequence[str] | None = None
    wait: str | None = None
    poll: str | None = None
    fail_on: str = "low"
    engine: str = DEFAULT_ENGINE
    min_severity: str | None = None
    show_passed: bool = False
    junit_strict: bool = False
    quiet: bool = False
    no_color: bool = False
    profile: str | None = None
    region: Sequence[str] | None = None
    role_arn: Sequence[str] | None = None
    account_id: str | None = None
    longest_job: str | None = None
    endpoint_url: str | None = None
    ca_bundle: str | None = None
    no_verify_ssl: bool = False
    no_sign_request: bool = False
    cli_read_timeout: int = 60
    cli_connect_timeout: int = 60
    run_file: RunFile | None = None
    file_params: Mapping[str, Diagnostic] = field(default_factory=dict)
    """Parameters that the run file sets, and where."""
    file_choices: Mapping[str, Diagnostic] = field(default_factory=dict)
    """Rules and frameworks that the run file selects or ignores, and where."""
    foreign: bool = False
    """The policies are not those of the run file, so that they need not know all that it names."""

    @property
    def has_outputs_of_file(self) -> bool:
        """Whether the run file, and not the command line, says where reports are written."""
        return self.run_file is not None and self.output is self.run_file.outputs


def settle(context: typer.Context, spare: Sequence[str] = ()) -> Settings:
    """The settings of the command that is being run; `spare` are the policies where neither the command line nor the run file names any.

    Raises:
        UsageError: no policy is named, or the run file cannot be found or used.
    """
    options = dict(context.params)
    run_file = read_run_file(options.pop("config", None), no_config=options.pop("no_config", False), quiet=options.get("quiet", False))
    named, params = options.pop("policies", None) or [], parse_params(options.pop("param", None) or [])
    # What a command has beside these is its own.
    options = {name: value for name, value in options.items() if name in _FIELDS}
    if not named and not (run_file and run_file.policies):
        named = list(spare)
    before = [str(argument.name).upper() for argument in context.command.params if argument.param_type_name == "argument" and argument.name != "policies"]
    files = find_files(named, run_file, " ".join([context.command_path, *before]))
    # A command may have options of its own.
    options = {name: value for name, value in options.items() if name in _FIELDS}
    if run_file is None:
        return Settings(files, params=params, **options)
    given = {name for name in options if _is_given(context, name)}
    replaced = given.union(*(_REPLACED.get(name, ()) for name in given))
    options |= {name: getattr(run_file, key) for name, key in _KEYS.items() if name in _FIELDS and name not in replaced and getattr(run_file, key)}
    of_file = {name: value for name, value in run_file.params.items() if name not in params}
    choices = {
        text: run_file.diagnose((key, index), "") for name, key in _CHOICES.items() if name not in given for index, text in enumerate(getattr(run_file, key))
    }
    return Settings(
        files,
        params={**of_file, **params},
        run_file=run_file,
        file_params={name: run_file.diagnose(("params", name), "") for name in of_file},
        file_choices=choices,
        foreign=bool(named),
        **options,
    )


_FIELDS = frozenset(Settings.__dataclass_fields__)


def _is_given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and not source.name.startswith("DEFAULT")


def parse_params(texts: Sequence[str]) -> dict[str, str]:
    """NAME=VALUE, each name once; raises UsageError."""
    params: dict[str, str] = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator or not name or not value:
            raise UsageError(f"--param {text}: a parameter is NAME=VALUE")
        if name in params:
            raise UsageError(f"--param {name} is given twice")
        params[name] = value
    return params


def find_files(named: Sequence[str], run_file: RunFile | None, command: str) -> list[tuple[Path, str]]:
    """The policy files: those named, or else those of the run file; raises UsageError where there are none."""
    from policycheck.policy.catalogue import RUN_FILE, find_policies

    if named:
        return find_policies(named)
    if run_file is None:
        raise UsageError("no policy is named", hint=f"{command} POLICY, or name the policies in {RUN_FILE}.")
    if not run_file.policies:
        raise UsageError("no policy is named, here or in the run file", place=run_file.name, hint="Add the key policies.")
    return run_file.find_policies()


def read_run_file(config: Path | None, *, no_config: bool, quiet: bool = False) -> RunFile | None:
    """The run file of this run; None where there is none. One that was found in a folder above is named on stderr.

    Raises:
        UsageError: --config and --no-config contradict each other.
        RunFileError: the file has mistakes.
    """
    from policycheck.policy.runfile import find_run_file, load_run_file

    if no_config:
        if config is not None:
            raise UsageError("--config and --no-config exclude each other")
        return None
    working = Path.cwd()
    path = config or find_run_file(working)
    if path is None:
        return None
    from policycheck.formats.registry import FORMATS

    name = path.as_posix() if config else Path(os.path.relpath(path, working)).as_posix()
    if not config and path.parent != working and not quiet:
        show_note(f"policycheck: the run file is {name}")
    return load_run_file(path, name, list(FORMATS), working)
