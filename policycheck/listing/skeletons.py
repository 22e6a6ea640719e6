"""`--generate-cli-skeleton`: samples of input and output, made from the operation's model. Nothing is sent."""

from __future__ import annotations

import json
from datetime import datetime
from io import StringIO

from policycheck.sources.operations import Operation
from policycheck.text import truncate

INPUT, YAML_INPUT, OUTPUT = SKELETONS = ("input", "yaml-input", "output")
_LONGEST = 100


def input_json(operation: Operation) -> bytes:
    """What --cli-input-json takes."""
    return json.dumps(operation.sample_input(), indent=4).encode() + b"\n"


def input_yaml(operation: Operation) -> bytes:
    """What --cli-input-yaml takes, with what each parameter is in a comment."""
    from ruamel.yaml import YAML
    from ruamel.yaml.comments import CommentedMap

    sample = CommentedMap(operation.sample_input())
    for parameter in operation.parameters:
        if parameter.kind == "timestamp":
            # As a time of YAML, which has no quotes.
            sample[parameter.name] = datetime.fromisoformat(sample[parameter.name])
    for parameter in (*operation.parameters, operation.token, operation.limit):
        values = f" Valid values are: {', '.join(parameter.values)}." if parameter.values else ""
        sample.yaml_add_eol_comment(truncate(parameter.documentation, _LONGEST) + values, parameter.name)
    stream = StringIO()
    yaml = YAML()
    yaml.width = 4096
    yaml.dump(sample, stream)
    return stream.getvalue().encode()
