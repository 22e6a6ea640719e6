"""`policycheck list-backup-jobs`, `list-copy-jobs`, `list-restore-jobs`: the AWS CLI's commands, option for option, and never incomplete without saying so.

The options of an operation come from botocore's model (`sources.operations`), so they are put together only when one of these commands is asked for.
"""

from __future__ import annotations

import inspect
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperCommand

from policycheck.cli.connection import connect
from policycheck.cli.diagnostics import show_error, show_note, show_warning
from policycheck.cli.options import typer_option
from policycheck.cli.terminal import colored, copy_document, table_width, write_document
from policycheck.datasets import JOB_LISTS, Dataset
from policycheck.errors import PolicycheckError, UsageError
from policycheck.settings.options import CONNECTION, OPTIONS, RunOptions
from policycheck.text import clean_line, shorten
from policycheck.version import __version__

if TYPE_CHECKING:
    from policycheck.listing.forms.interface import Layout
    from policycheck.listing.lister import Outcome, Request
    from policycheck.sources.lister import Lister
    from policycheck.sources.operations import Operation, Parameter

AWS_EXIT_CODES = "--aws-exit-codes"
_SKELETON = "--generate-cli-skeleton"
_LONGEST_HELP = 400
_OPTION = re.compile(r"-(?!\d+$|\d*\.\d+$)\S+$")
"""What argparse, hence the AWS CLI, takes for an option: no negative number, nothing with a space."""
_NAMES: Mapping[str, Dataset] = {
    "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in dataset.operation)[1:]: dataset for dataset in JOB_LISTS.values()
}


def commands() -> Mapping[str, str]:
    """The commands by name, with what each does in a line."""
    return {name: f"List the {dataset.noun}s of AWS Backup: the AWS CLI's options and output, complete or a non-zero exit." for name, dataset in _NAMES.items()}


def add_commands(app: typer.Typer) -> None:
    """Add the commands, without their options."""
    for name, text in commands().items():
        app.command(name, help=text, cls=_Command)(_unloaded)


def load(app: typer.Typer, arguments: Sequence[str]) -> None:
    """Give a command its options, if this command line, or the one that a shell completes, is for it."""
    completed = " ".join(os.environ.get(variable, "") for variable in ("COMP_WORDS", "_TYPER_COMPLETE_ARGS"))
    words = {*arguments, *(completed.split() if not arguments else ())}
    for information in app.registered_commands:
        dataset = _NAMES.get(information.name or "")
        if information.name in words and dataset is not None:
            information.callback, information.help = _build(dataset)


def aws_exit_code(arguments: Sequence[str], error: BaseException) -> int | None:
    """The AWS CLI's exit code for an error, where this command line asks for it."""
    if AWS_EXIT_CODES not in arguments or not _NAMES.keys() & set(arguments):
        return None
    if isinstance(error, PolicycheckError):
        return error.aws_exit_code
    return 252 if isinstance(error, typer.TyperException) else 255


class _Command(TyperCommand):
    """As the AWS CLI's parser: --generate-cli-skeleton may stand without a value."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        for place, argument in enumerate(args):
            if argument == _SKELETON and (place + 1 == len(args) or args[place + 1].startswith("-")):
                args.insert(place + 1, "input")
                break
        self._check_values(args)
        return super().parse_args(ctx, args)

    def _check_values(self, args: Sequence[str]) -> None:
        """Raise UsageError where an option stands in the place of a value, which typer would take for one: `--by-resource-arn --debug` finds no job."""
        valued = {name for parameter in self.params if not getattr(parameter, "is_flag", False) for name in parameter.opts}
        for argument, following in pairwise(args):
            if argument in valued and _OPTION.match(following):
                hint = f"If it is the value, write {argument}={clean_line(following)}."
                raise UsageError(f"{argument}: a value is required, not {clean_line(following)}", hint=hint)


def _unloaded() -> None:
    raise AssertionError("the options were not loaded")


def _show_version(value: bool) -> None:
    if value:
        write_document(f"policycheck {__version__}\n".encode())
        raise typer.Exit


def _option(kind: Any, name: str, text: str, metavar: str | None = None, **more: Any) -> Any:
    return Annotated[kind, typer.Option(name, metavar=metavar, help=text, **more)]


_TEXT, _FLAG, _NUMBER = str | None, bool, int | None
_OPTIONS: Mapping[str, Any] = {
    "cli_input_json": _option(
        _TEXT, "--cli-input-json", "Parameters as a JSON object, or file://PATH to read one. Options given here take precedence.", "JSON"
    ),
    "cli_input_yaml": _option(_TEXT, "--cli-input-yaml", "Parameters as YAML, or file://PATH to read it. Not with --cli-input-json.", "YAML"),
    "starting_token": _option(_TEXT, "--starting-token", "Where to continue: the NextToken that this command or the AWS CLI printed.", "TOKEN"),
    "page_size": _option(_NUMBER, "--page-size", "Jobs per request. It does not change what is printed.", "NUMBER"),
    "max_items": _option(_NUMBER, "--max-items", "Print at most this many jobs, and a NextToken if there are more.", "NUMBER", min=0),
    "generate_cli_skeleton": _option(
        Literal["input", "yaml-input", "output"] | None,
        _SKELETON,
        "Send nothing; print a sample of the input (default), of the input as YAML, or of the output.",
    ),
    "debug": _option(_FLAG, "--debug", "Show each request and answer on stderr. Credentials are never shown."),
    "endpoint_url": typer_option("endpoint_url", "list"),
    "no_verify_ssl": typer_option("no_verify_ssl", "list"),
    "no_paginate": _option(_FLAG, "--no-paginate", "Send one request and print its page. A note on stderr says if the list continues."),
    "output": _option(
        _TEXT,
        "--output",
        "Output form: json, text, table, yaml or yaml-stream. Default: AWS_DEFAULT_OUTPUT, the profile's output, json. "
        "json (without --query), text and yaml-stream take the same memory for a list of any length.",
        "FORM",
    ),
    "query": _option(_TEXT, "--query", "JMESPath expression. It is applied to the whole document; with text and yaml-stream to each page.", "JMESPATH"),
    "profile": typer_option("profile", "list"),
    "region": typer_option("region", "list"),
    "version": _option(_FLAG, "--version", "Show policycheck's version and exit.", callback=_show_version, is_eager=True),
    "color": _option(Literal["on", "off", "auto"] | None, "--color", "Color of --output table. The other forms have none. Default: auto."),
    "no_sign_request": typer_option("no_sign_request", "list"),
    "ca_bundle": typer_option("ca_bundle", "list"),
    "cli_read_timeout": typer_option("cli_read_timeout", "list"),
    "cli_connect_timeout": typer_option("cli_connect_timeout", "list"),
    "cli_binary_format": _option(
        Literal["base64", "raw-in-base64-out"] | None, "--cli-binary-format", "Accepted, and changes nothing: no parameter of this command is binary."
    ),
    "no_cli_pager": _option(_FLAG, "--no-cli-pager", "Accepted, and changes nothing: policycheck never starts a pager."),
    "cli_auto_prompt": _option(_FLAG, "--cli-auto-prompt", "Rejected: policycheck has no prompt. Shell completion offers the options."),
    "no_cli_auto_prompt": _option(_FLAG, "--no-cli-auto-prompt", "Accepted, and changes nothing: policycheck never prompts."),
    "role_arn": typer_option("role_arn", "list"),
    "accounts": typer_option("accounts", "list"),
    "role_external_id": typer_option("role_external_id", "list"),
    "role_session_name": typer_option("role_session_name", "list"),
    "account_id": typer_option("account_id", "list"),
    "with_coverage": _option(_FLAG, "--with-coverage", "Add a Coverage key to the JSON, which `policycheck check --jobs` reads."),
    "coverage": _option(Path | None, "--coverage", "Write what the list covers to this file. Give it to `policycheck check --jobs` beside the list.", "FILE"),
    "partial": _option(_FLAG, "--partial", "If a request fails, print what was received before it. The exit code is still not 0."),
    "aws_exit_codes": _option(_FLAG, AWS_EXIT_CODES, "Exit as the AWS CLI does: 252, 253, 254, 255 in place of 2 and 3."),
}
"""Every option that does not come from the operation, by its Python name; the synopsis of the AWS CLI first."""


def _build(dataset: Dataset) -> tuple[Callable[..., Any], str]:
    """The function of a command, with the parameters typer makes options of, and its help."""
    from policycheck.sources.operations import read_operation

    operation = read_operation(dataset)
    kinds = {_python_name(parameter): _parameter_option(parameter) for parameter in operation.parameters}
    hidden = {_python_name(parameter): _parameter_option(parameter, hidden=True) for parameter in (operation.token, operation.limit)}

    def command(**options: Any) -> None:
        list_jobs(operation, options)

    everything = {**kinds, **hidden, **_OPTIONS}
    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters = [inspect.Parameter(name, keyword, default=_default(name, kind), annotation=kind) for name, kind in everything.items()]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what typer reads
    command.__annotations__ = dict(everything)
    text = (
        f"{operation.documentation}\n\n"
        f"The command takes every option of `aws backup {operation.command}` and prints the same. One thing differs: if a page is missing, it asks again, and "
        f"otherwise it fails and prints nothing. `--profile`, `--region` and `--role-arn` can be repeated.\n\n"
        f"Exit codes: 0 the list is complete (or you asked for part of it); 2 the command is wrong; 3 the list could not be fetched completely; 4 a bug."
    )
    return command, text


def _default(name: str, kind: Any) -> Any:
    if name in CONNECTION:
        return OPTIONS[name].default
    return False if kind.__origin__ is bool else None


def _python_name(parameter: Parameter) -> str:
    return parameter.option.removeprefix("--").replace("-", "_")


def _parameter_option(parameter: Parameter, *, hidden: bool = False) -> Any:
    values = f" Values: {', '.join(parameter.values)}." if parameter.values else ""
    time = " ISO 8601, or seconds since 1970." if parameter.kind == "timestamp" else ""
    text = f"{shorten(parameter.documentation, _LONGEST_HELP)}{values}{time}"
    return _option(_TEXT, parameter.option, text, "TIME" if time else "VALUE", hidden=hidden)


# --- running ---


def list_jobs(operation: Operation, options: Mapping[str, Any]) -> None:
    """List jobs as the options say, and exit."""
    if options["cli_auto_prompt"]:
        raise UsageError("--cli-auto-prompt: policycheck has no prompt", hint=f"See policycheck {operation.command} --help.")
    parameters, paginate = _parameters(operation, options)
    if options["generate_cli_skeleton"] is not None and options["generate_cli_skeleton"] != "output":
        _print_input(operation, options["generate_cli_skeleton"])
        return
    shared = {name: options[name] for name in CONNECTION}
    connection = connect(RunOptions(**{**shared, "account_id": _account(parameters, options)}))
    _check_combinations(options)

    from policycheck.listing.query import parse_query

    query = None if options["query"] is None else parse_query(options["query"])
    from policycheck.sources.lister import Lister

    if options["generate_cli_skeleton"] == "output":
        # Nothing is sent, so no credentials are needed.
        _print_output(operation, Lister(replace(connection, sign_request=False), operation), options, query)
        return
    lister = Lister(connection, operation, show_note if options["debug"] else None)
    request = _request(operation, options, parameters, paginate, lister, query)
    _note_idle(options, request.form)
    _print(request, lister, options)


def _parameters(operation: Operation, options: Mapping[str, Any]) -> tuple[dict[str, object], bool]:
    """What is asked of AWS, and whether to follow its pages: giving a parameter that pages by hand turns that off, as in the AWS CLI."""
    from policycheck.listing.parameters import gather

    given = {parameter.name: options[_python_name(parameter)] for parameter in (*operation.parameters, operation.token, operation.limit)}
    parameters = gather(operation, given, input_json=options["cli_input_json"], input_yaml=options["cli_input_yaml"])
    paginate = not options["no_paginate"] and not {operation.token.name, operation.limit.name} & parameters.keys()
    clash = [f"--{name.replace('_', '-')}" for name in ("starting_token", "page_size", "max_items") if options[name] is not None]
    if clash and not paginate:
        hint = "--no-paginate prints one page, as NextToken and MaxResults among the parameters do."
        raise UsageError(f"{' and '.join(clash)}: not without pagination", hint=hint)
    wanted = options["account_id"]
    if wanted is not None and parameters.setdefault("ByAccountId", wanted) != wanted:
        raise UsageError("--account-id and --by-account-id name different accounts", hint="They mean the same: use one of them.")
    return parameters, paginate


def _account(parameters: Mapping[str, object], options: Mapping[str, Any]) -> str | None:
    # Only what the user gave as --account-id is checked: the AWS CLI sends any --by-account-id.
    if options["role_arn"] and "ByAccountId" in parameters:
        raise UsageError("an account ID and --role-arn exclude each other", hint="A role lists the jobs of its own account.")
    value: str | None = options["account_id"]
    return value


def _check_combinations(options: Mapping[str, Any]) -> None:
    if options["with_coverage"] and options["query"] is not None:
        raise UsageError("--with-coverage and --query exclude each other", hint="The coverage is of the whole document; --coverage FILE writes it beside.")
    if options["with_coverage"] and options["output"] not in (None, "json"):
        raise UsageError(f"--with-coverage is for --output json, not {clean_line(options['output'])}", hint="--coverage FILE writes it beside any output.")


def _request(
    operation: Operation, options: Mapping[str, Any], parameters: Mapping[str, object], paginate: bool, lister: Lister, query: Callable[[Any], Any] | None
) -> Request:
    from policycheck.listing.lister import Paging, Request
    from policycheck.listing.parameters import read_value
    from policycheck.listing.tokens import Position, decode

    form = "json" if options["with_coverage"] else _form(options["output"], lister)
    token = options["starting_token"]
    start = Position() if token is None else decode(read_value("--starting-token", token), operation.token.name)
    return Request(
        operation=operation,
        parameters=parameters,
        paging=Paging(options["page_size"], start, options["max_items"], paginate),
        form=form,
        layout=_layout(operation, options, paginate, query),
        wire_times=_is_wire(lister.setting("cli_timestamp_format")),
        coverage=options["with_coverage"] or options["coverage"] is not None,
        member=options["with_coverage"],
        partial=options["partial"],
    )


def _layout(operation: Operation, options: Mapping[str, Any], paginated: bool, query: Callable[[Any], Any] | None) -> Layout:
    from policycheck.listing.forms.interface import Layout

    return Layout(
        result_key=operation.dataset.result_key,
        token_key=operation.token.name,
        title=operation.dataset.operation,
        paginated=paginated,
        query=query,
        color=_colored(options["color"]),
        width=table_width(sys.stdout),
        terminal=sys.stdout.isatty(),
    )


def _form(option: str | None, lister: Lister) -> str:
    from policycheck.listing.forms.registry import FORMS

    name = option or os.environ.get("AWS_DEFAULT_OUTPUT") or lister.setting("output") or "json"
    if name not in FORMS:
        hint = f"Name one of {', '.join(FORMS)}; see also AWS_DEFAULT_OUTPUT and the profile."
        raise UsageError(f"--output {clean_line(name)}: there is no such form", hint=hint)
    return name


def _is_wire(setting: str | None) -> bool:
    match setting:
        case None | "iso8601":
            return False
        case "wire" | "none":
            return True
        case _:
            raise UsageError(f"cli_timestamp_format {clean_line(setting)}: unknown time format", hint="The profile can say wire or iso8601.")


def _colored(choice: str | None) -> bool:
    return choice == "on" or (choice != "off" and colored(sys.stdout, no_color=False) and sys.stdout.isatty())


def _note_idle(options: Mapping[str, Any], form: str) -> None:
    """Say so of each option that was given and changes nothing."""
    if options["cli_binary_format"] is not None:
        show_note("note: --cli-binary-format changes nothing: no parameter of this command is binary")
    if options["color"] == "on" and form != "table":
        show_note(f"note: --color changes nothing: --output {form} has no color")
    for name in ("no_cli_pager", "no_cli_auto_prompt"):
        if options[name]:
            show_note(f"note: --{name.replace('_', '-')} changes nothing: policycheck has no pager and no prompt")
    if options["no_verify_ssl"]:
        show_warning("certificates were not verified, so these answers might not be from AWS")


def _print(request: Request, lister: Lister, options: Mapping[str, Any]) -> None:
    from policycheck.listing.lister import run

    outcome = run(request, lister)
    with outcome.document as document:
        _write_coverage(outcome, options["coverage"])
        copy_document(document)
    if outcome.error is not None:
        show_error(outcome.error)
        show_note(f"note: {outcome.jobs:,} jobs were received before that and printed (--partial); the list is not complete")
        raise typer.Exit(outcome.error.aws_exit_code if options["aws_exit_codes"] else int(outcome.error.exit_code))
    if outcome.resume is not None:
        way = f"continue with --starting-token {outcome.resume}" if request.layout.paginated else "omit --no-paginate, NextToken and MaxResults to list all"
        show_note(f"note: there are more jobs: {way}")


def _write_coverage(outcome: Outcome, path: Path | None) -> None:
    if path is None or outcome.statement is None:
        return
    import msgspec

    from policycheck.formats.output import write_atomically
    from policycheck.sources.statements import builtins, digest

    sealed = msgspec.structs.replace(outcome.statement, digest=digest(outcome.document))
    outcome.document.seek(0)
    write_atomically(path, msgspec.json.format(msgspec.json.encode(builtins(sealed)), indent=4) + b"\n")


def _print_input(operation: Operation, kind: str) -> None:
    from policycheck.listing.skeletons import YAML_INPUT, input_json, input_yaml

    copy_document(BytesIO(input_yaml(operation) if kind == YAML_INPUT else input_json(operation)))


def _print_output(operation: Operation, lister: Lister, options: Mapping[str, Any], query: Callable[[Any], Any] | None) -> None:
    from policycheck.listing.forms.registry import FORMS

    form = _form(options["output"], lister)
    # So the AWS CLI's samples spell times; in YAML they stay times.
    spell: Callable[[datetime], object] = str if form in ("text", "table") else datetime.isoformat if form == "json" else lambda time: time
    sample = operation.sample_output(spell)
    sink = BytesIO()
    writer = FORMS[form](_layout(operation, options, False, query), sink)
    token = sample.get(operation.token.name)
    writer.write(sample[operation.dataset.result_key], token)
    writer.finish(token, {})
    sink.seek(0)
    copy_document(sink)
