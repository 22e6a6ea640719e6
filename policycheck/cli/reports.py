"""The reports a command line asks for: which formats, to where, and the exit code's severity."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from policycheck.cli.diagnostics import show_note
from policycheck.cli.terminal import is_kept, write_document
from policycheck.errors import PolicycheckError, UsageError
from policycheck.formats.registry import FORMATS
from policycheck.result import Result, Severity
from policycheck.text import clean_line

if TYPE_CHECKING:
    from policycheck.formats.interface import CleanResult, Format, Options

NEVER = "never"


def parse_fail_on(text: str) -> Severity | None:
    """The least severity that fails a run; None: never."""
    return None if text.lower() == NEVER else parse_severity("--fail-on", text)


class Printable(Protocol):
    """What both kinds of report formats can do."""

    @property
    def file_suffix(self) -> str: ...

    def printed(self, document: str) -> str: ...

    def companion_paths(self, path: Path) -> Mapping[str, Path]: ...


def parse_outputs(
    texts: Sequence[str], formats: Mapping[str, Printable] | None = None, *, of_file: bool = False, added: Sequence[str] = ()
) -> list[tuple[str, Path | None]]:
    """FORMAT or FORMAT=PATH, text to stdout where none is given; at most one to stdout, each file once.

    Args:
        formats: those of the command; without them, those of results.
        of_file: a run file names them: their folders, which no checkout has, are made.
        added: reports beside these, each to a file.
    """
    from policycheck.policy.conditions import nearest

    known: Mapping[str, Printable] = FORMATS if formats is None else formats
    outputs: list[tuple[str, Path | None]] = []
    for text in (*(texts or ["text"]), *added):
        name, separator, path = text.partition("=")
        if name not in known:
            near = nearest(name, known)
            raise UsageError(
                f"there is no format {name}" if name else f"--output {text} names no format",
                hint=f"Did you mean {near}?" if near else f"The formats are {', '.join(known)}.",
            )
        if separator and not path:
            raise UsageError(f"--output {text} names no file", hint=f"Write {name}=report{known[name].file_suffix}, or {name} alone for stdout.")
        outputs.append((name, Path(path) if separator and path != "-" else None))
    if any(path is None for _, path in outputs[len(texts) or 1 :]):
        raise UsageError("--add-output names no file", hint="Name one: --add-output csv=population.csv")
    if sum(path is None for _, path in outputs) > 1:
        raise UsageError("only one format can go to stdout", hint="Write the others to files: --output sarif=results.sarif")
    for file in (path for _, path in outputs[len(texts) if of_file else 0 :] if path is not None):
        require_folder(file)
    paths = [os.path.realpath(file) for _, file in written_files(outputs, known)]
    if len(set(paths)) < len(paths):
        raise UsageError("two formats would write the same file")
    return outputs


def written_files(outputs: Sequence[tuple[str, Path | None]], formats: Mapping[str, Printable] | None = None) -> list[tuple[str, Path]]:
    """Every file that these reports are written to, by format: those that some write beside their own among them."""
    known: Mapping[str, Printable] = FORMATS if formats is None else formats
    named = [(name, path) for name, path in outputs if path is not None]
    # A bundle is no format, and writes nothing beside itself.
    return [*named, *((name, beside) for name, path in named if name in known for beside in known[name].companion_paths(path).values())]


def require_folder(path: Path, option: str = "--output") -> None:
    """Refuse a file of an option that has no place to be written to, before anything is read or evaluated: most are misspelled.

    Raises:
        UsageError: its folder does not exist or is not a folder, or it is a folder itself.
    """
    shown = clean_line(str(path))
    try:
        target = path.resolve()
        is_folder, folder, known = target.is_dir(), target.parent, path.exists()
    except (OSError, ValueError, RuntimeError):  # a NUL in the path, or a loop of links
        raise UsageError(f"{option}: {shown} is not a path of a file") from None
    if is_folder:
        raise UsageError(f"{option}: {shown} is a folder", hint="Name a file in it.")
    # What is there is there, whatever its name leads to: /dev/stdout may be a pipe.
    if not known and not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist"
        raise UsageError(f"{option} {shown}: the folder {clean_line(str(path.parent))} {what}", hint="Create the folder, or correct its name.")


def spare_inputs(outputs: Sequence[tuple[str, Path | None]], files: Iterable[str | Path], folders: Iterable[str]) -> None:
    """Refuse to write a report over what the run reads.

    Args:
        files: policies, job lists and whatever else is read.
        folders: job folders; a report in one would be read as a job list by the next run.

    Raises:
        UsageError: an output is one of the files, or lies in one of the folders.
    """
    read = {os.path.realpath(file) for file in files}
    within = [os.path.realpath(folder) for folder in folders if Path(folder).is_dir()]
    for name, path in outputs:
        if path is None:
            continue
        target, option = os.path.realpath(path), "--bundle" if name == "bundle" else "--output"
        if target in read:
            raise UsageError(f"{option} would overwrite {clean_line(str(path))}, which this run reads", hint="Write the report to a file of its own.")
        if any(os.path.commonpath([target, folder]) == folder for folder in within):
            hint = "Write the report to another folder: the next run would read it as a job list."
            raise UsageError(f"{option} would write {clean_line(str(path))} into a folder of job lists", hint=hint)


def parse_severity(option: str, text: str) -> Severity:
    """The severity of that name, in any case; raises UsageError with the nearest one."""
    from policycheck.policy.conditions import nearest

    try:
        return Severity(text.lower())
    except ValueError:
        known = [*Severity, NEVER] if option == "--fail-on" else list(Severity)
        near = nearest(text, known)
        raise UsageError(
            f"{option}: there is no severity {text}", hint=f"Did you mean {near}?" if near else f"The severities are {', '.join(known)}."
        ) from None


def report(result: Result, outputs: Sequence[tuple[str, Path | None]], options: Options, *, quiet: bool, redact_key: bytes | None = None) -> None:
    """Write every report, files first; then a line on stderr where no text report says the same.

    Args:
        redact_key: what pseudonyms are made with; None: the reports say what they say.

    A file holds the document as it is. What a CI runner may read as its log (a pipe, a terminal) holds the same, but nothing a runner takes for a command.

    Raises:
        PolicycheckError: a file could not be written; every other report was.
    """
    from policycheck.formats.interface import clean_result

    if redact_key is not None:
        from policycheck.formats.redaction import redact

        result, options = redact(result, redact_key), replace(options, source_lines={})
    options, cleaned = in_checkout(options), clean_result(result)
    write_reports([document for name, path in outputs for document in _documents(FORMATS[name], path, cleaned, options)])
    if not quiet and ("text", None) not in outputs:
        from policycheck.formats.baseline_words import baseline_line, exit_reason
        from policycheck.formats.words import count_line

        show_note(f"policycheck: {result.verdict}: {count_line(result)}")
        if result.baseline is not None:
            because = exit_reason(result)
            show_note(f"policycheck: {baseline_line(result)}" + (f"; {because}" if because else ""))


REDACT_KEY = "POLICYCHECK_REDACT_KEY"
_LEAST_KEY = 16


def redaction_key(*, redact: bool, quiet: bool) -> bytes | None:
    """The key of pseudonyms; None where nothing is redacted. Without one in the environment it is of this run alone.

    Raises:
        UsageError: it is so short that it can be guessed.
    """
    if not redact:
        return None
    key = os.environ.get(REDACT_KEY, "").encode(errors="surrogateescape")
    if not key:
        if not quiet:
            show_note(f"policycheck: the pseudonyms are valid for this run only; set {REDACT_KEY} to a secret to get the same pseudonyms in every run")
        return secrets.token_bytes(32)
    if len(key) < _LEAST_KEY:
        hint = "Create one with openssl rand -hex 32, and store it as a secret."
        raise UsageError(f"{REDACT_KEY} has {len(key)} characters, and at least {_LEAST_KEY} are needed", hint=hint)
    return key


def _documents(form: Format, path: Path | None, result: CleanResult, options: Options) -> Iterator[tuple[Path | None, Printable, Iterable[str]]]:
    """What a format writes: its document, and in files of their own its companions."""
    if path is None:
        yield None, form, form.pieces(result, options)
        return
    # A file is no screen: it has everything.
    options = replace(options, color=False, verbose=True)
    yield path, form, form.pieces(result, options)
    # What is no file, like /dev/stdout, has nothing beside it.
    if is_kept(path) or not path.exists():
        for name, beside in form.companion_paths(path).items():
            yield beside, form, form.companions[name](result, options)


def ask_for_answers(outputs: Sequence[tuple[str, Path | None]]) -> bool:
    """Whether any of these reports shows what each subject came to."""
    return any(FORMATS[name].shows_answers for name, _ in outputs)


def write_reports(documents: Sequence[tuple[Path | None, Printable, Iterable[str]]]) -> None:
    """Write every document, files first, each as its place needs it.

    Args:
        documents: each in pieces of whole lines, which are made as they are written.

    Raises:
        PolicycheckError: a file could not be written; every other report was.
    """
    from policycheck.formats.output import write_atomically

    unwritten: list[PolicycheckError] = []
    for path, entry, document in documents:
        try:
            if path is not None:
                write_atomically(path, _encoded(document if is_kept(path) else map(entry.printed, document)))
        except PolicycheckError as error:
            unwritten.append(error)
    for path, entry, document in documents:
        if path is None:
            write_document(_encoded(document if is_kept(None) else map(entry.printed, document)))
    if unwritten:
        raise unwritten[0]


def in_checkout(options: Options) -> Options:
    """The options with the place of the working directory in the checkout of a CI job: annotations count from its top, wherever the step runs."""
    top = os.environ.get("GITHUB_WORKSPACE") or os.environ.get("CI_PROJECT_DIR")
    if not top:
        return options
    top, here = os.path.realpath(top), os.path.realpath(os.curdir)
    if os.path.splitdrive(top)[0] != os.path.splitdrive(here)[0] or os.path.commonpath([top, here]) != top:
        return options
    return replace(options, root=top, folder="" if here == top else os.path.relpath(here, top))


def _encoded(pieces: Iterable[str]) -> Iterable[bytes]:
    return (piece.encode("utf-8") for piece in pieces)
