"""The templates of the role that reads, as `permissions` makes them and as `examples/organization` has them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from policycheck.cli.app import run
from policycheck.errors import ExitCode
from policycheck.sources.accounts import ROLE_NAME, read_accounts
from policycheck.sources.identity import EXTERNAL_ID

EXAMPLES = Path(__file__).parents[2] / "examples" / "organization"
POLICY = str(EXAMPLES / "policy.yaml")
FILES = {"cloudformation": "read-only-role.yaml", "terraform": "read-only-role.tf"}


def printed(capfd: pytest.CaptureFixture[str], *options: str) -> str:
    assert run(["permissions", POLICY, "--region", "all", *options]) == ExitCode.OK
    return capfd.readouterr().out


def allowed(capfd: pytest.CaptureFixture[str]) -> list[str]:
    """The actions that the policy's rules need."""
    return [action for statement in json.loads(printed(capfd))["Statement"] for action in statement["Action"]]


@pytest.mark.parametrize("form", FILES)
def test_the_examples_are_what_permissions_prints(form: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert printed(capfd, "--format", form) == (EXAMPLES / FILES[form]).read_text(encoding="utf-8")


def test_the_cloudformation_role_allows_the_actions_and_trusts_whom_its_parameters_name(capfd: pytest.CaptureFixture[str]) -> None:
    template: Any = YAML().load(EXAMPLES / FILES["cloudformation"])
    assert set(template) == {"AWSTemplateFormatVersion", "Description", "Parameters", "Conditions", "Resources", "Outputs"}
    (role,) = template["Resources"].values()
    assert role["Type"] == "AWS::IAM::Role"
    (policy,) = role["Properties"]["Policies"]
    statements = policy["PolicyDocument"]["Statement"]
    assert [action for statement in statements for action in statement["Action"]] == allowed(capfd)
    assert {statement["Effect"] for statement in statements} == {"Allow"}
    (trust,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Action"] == "sts:AssumeRole"
    assert (trust["Principal"]["AWS"].tag.value, trust["Principal"]["AWS"].value) == ("!Ref", "TrustedPrincipalArn")
    # Whatever a template refers to is there.
    text = (EXAMPLES / FILES["cloudformation"]).read_text(encoding="utf-8")
    referred = set(re.findall(r"!Ref (\w+)\b(?!::)", text)) - {"AWS"}
    assert referred == set(template["Parameters"])
    assert set(template["Conditions"]) == {"HasExternalId"}
    assert template["Parameters"]["RoleName"]["Default"] == ROLE_NAME
    principal = re.compile(template["Parameters"]["TrustedPrincipalArn"]["AllowedPattern"])
    assert principal.fullmatch("arn:aws:iam::111122223333:role/ci/policycheck")
    assert not principal.fullmatch("*")


def test_the_terraform_role_allows_the_actions_and_nothing_else(capfd: pytest.CaptureFixture[str]) -> None:
    text = (EXAMPLES / FILES["terraform"]).read_text(encoding="utf-8")
    assert text.count("{") == text.count("}") and text.count('"') % 2 == 0
    actions = [action for listed in re.findall(r"actions\s*= \[(.*)\]", text) for action in json.loads(f"[{listed}]")]
    assert actions == ["sts:AssumeRole", *allowed(capfd)]
    declared = set(re.findall(r'^variable "(\w+)"', text, re.MULTILINE))
    assert declared == set(re.findall(r"var\.(\w+)", text)) == {"trusted_principal_arn", "role_name", "external_id"}
    assert set(re.findall(r"data\.aws_iam_policy_document\.(\w+)", text)) == set(re.findall(r'^data "aws_iam_policy_document" "(\w+)"', text, re.MULTILINE))


def test_the_list_of_accounts_of_the_examples_is_one_and_its_roles_are_the_caller_s(capfd: pytest.CaptureFixture[str]) -> None:
    accounts, left_out = read_accounts(str(EXAMPLES / "accounts.yaml"))
    assert (len(accounts), left_out) == (2, ())
    assert all(EXTERNAL_ID.fullmatch(account.external_id or "none") for account in accounts)
    (statement,) = json.loads(printed(capfd, "--accounts", str(EXAMPLES / "accounts.yaml")))["Statement"]
    assert statement["Action"] == ["sts:AssumeRole"]
    assert statement["Resource"] == [account.role_arn("aws") for account in accounts]


@pytest.mark.parametrize(("options", "said"), [(["--format", "yaml"], "no such form"), (["--format", "terraform", "--accounts", "x"], "cannot read")])
def test_a_form_that_cannot_be(options: list[str], said: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["permissions", POLICY, *options]) == ExitCode.USAGE
    assert said in capfd.readouterr().err


def test_a_template_is_of_the_role_and_not_of_who_assumes_it(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["permissions", POLICY, "--format", "terraform", "--role-arn", f"arn:aws:iam::111122223333:role/{ROLE_NAME}"]) == ExitCode.USAGE
    assert "--format terraform is for the role in each account" in capfd.readouterr().err
