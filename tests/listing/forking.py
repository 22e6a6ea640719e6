"""Runs a program's `main` again and again, each time in a fork of a process that has imported it: as a new process, without the imports.

    python forking.py MODULE:FUNCTION [MODULE ...]

reads one JSON line a run ({"arguments", "environment", "directory", "stdin"}), answers one ({"code", "stdout", "stderr"}, text as Latin-1 of its bytes),
and ends with its standard input. It needs the standard library alone, so any interpreter can run it, and each run has a memory, an environment, a time zone and
streams of its own: what one run changes no other sees.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from typing import Any


def run(main: Callable[[], Any], own: dict[str, str], asked: dict[str, Any]) -> dict[str, Any]:
    """One run in a child process; what it wrote and the code it ended with."""
    with tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        stdin.write(asked["stdin"].encode())
        stdin.seek(0)
        child = os.fork()
        if child == 0:
            code = 70
            try:
                for number, stream in enumerate((stdin, stdout, stderr)):
                    os.dup2(stream.fileno(), number)
                os.environ.clear()
                os.environ.update(asked["environment"] | own)
                os.chdir(asked["directory"])
                time.tzset()
                sys.argv = asked["arguments"]
                code = end(main)
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        stdout.seek(0)
        stderr.seek(0)
        return {"code": os.waitstatus_to_exitcode(status), "stdout": stdout.read().decode("latin-1"), "stderr": stderr.read().decode("latin-1")}


def end(main: Callable[[], Any]) -> int:
    """Call it as the interpreter would: the exit code of `sys.exit(main())`."""
    try:
        result = main()
    except SystemExit as stopped:
        result = stopped.code
    except BaseException:
        traceback.print_exc()
        result = 1
    if result is not None and not isinstance(result, int):
        print(result, file=sys.stderr)
        result = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return (result or 0) & 0xFF


def serve(program: str, *preloaded: str) -> None:
    """Answer requests until standard input ends."""
    module, _, function = program.partition(":")
    before = dict(os.environ)
    main = getattr(importlib.import_module(module), function)
    for name in preloaded:
        importlib.import_module(name)
    # What the program itself sets while it is imported (awscli: where its data is) belongs to every run.
    own = {name: value for name, value in os.environ.items() if before.get(name) != value}
    # No run need look through what was imported for garbage, nor copy the pages it lies on.
    gc.collect()
    gc.freeze()
    # A run gets 0, 1 and 2 for its own: the requests and answers of this process go over others.
    requests = os.fdopen(os.dup(0), "r", encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    for line in requests:
        answers.write(json.dumps(run(main, own, json.loads(line))) + "\n")
        answers.flush()


if __name__ == "__main__":
    serve(*sys.argv[1:])
