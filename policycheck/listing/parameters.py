"""What a command line asks of the operation: options, `file://`, `--cli-input-json` and `--cli-input-yaml`; the command line wins."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from policycheck.errors import UsageError
from policycheck.sources.operations import Operation
from policycheck.text import clean_line

_TEXT, _BYTES = "file://", "fileb://"


def read_value(option: str, value: str) -> str:
    """The value of an option, or the content of the file it names with file:// or fileb://.

    Raises:
        UsageError: the file cannot be read, or is not text.
    """
    prefix = next((prefix for prefix in (_TEXT, _BYTES) if value.startswith(prefix)), None)
    if prefix is None:
        return value
    name = value.removeprefix(prefix)
    try:
        return Path(name).expanduser().read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{option}: cannot read {clean_line(name)}: {(error.strerror or type(error).__name__).lower()}") from None
    except ValueError:
        raise UsageError(f"{option}: {clean_line(name)} is not UTF-8 text") from None


def gather(operation: Operation, options: Mapping[str, str | None], *, input_json: str | None, input_yaml: str | None) -> dict[str, object]:
    """The parameters of the request, by their API names, checked as botocore would before it sends them.

    Args:
        options: values of options by the parameter's API name; None where the option was not given.

    Raises:
        UsageError: a file that cannot be read, input that is no object, a parameter the operation does not have, or a value of another type.
    """
    if input_json is not None and input_yaml is not None:
        raise UsageError("--cli-input-json and --cli-input-yaml exclude each other", hint="Give one of them.")
    parameters: dict[str, object] = {}
    if input_json is not None:
        parameters.update(_object("--cli-input-json", _parse_json(read_value("--cli-input-json", input_json))))
    if input_yaml is not None:
        parameters.update(_object("--cli-input-yaml", _parse_yaml(read_value("--cli-input-yaml", input_yaml))))
    for parameter in (*operation.parameters, operation.token, operation.limit):
        value = options.get(parameter.name)
        if value is not None:
            if value.startswith(_BYTES):
                raise UsageError(f"{parameter.option}: {_BYTES} is for binary values, and this one is text", hint=f"Write {_TEXT}.")
            text = read_value(parameter.option, value)
            parameters[parameter.name] = _integer(parameter.option, text) if parameter.kind in ("integer", "long") else text
    operation.check(parameters)
    return parameters


def _integer(option: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise UsageError(f"{option} {clean_line(text)}: not a whole number") from None


def _object(option: str, value: Any) -> dict[str, object]:
    if not isinstance(value, dict):
        raise UsageError(f"{option}: an object of parameters is required, not {type(value).__name__}", hint="--generate-cli-skeleton prints one.")
    return value


def _parse_json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise UsageError(f"--cli-input-json: not JSON: {clean_line(str(error))}", hint="--generate-cli-skeleton prints a sample.") from None


def _parse_yaml(text: str) -> Any:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        return YAML(typ="safe", pure=True).load(text)
    except (YAMLError, ValueError) as error:
        first = clean_line(str(error).partition("\n")[0])
        raise UsageError(f"--cli-input-yaml: not YAML: {first}", hint="--generate-cli-skeleton yaml-input prints a sample.") from None
