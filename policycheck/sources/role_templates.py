"""The role that a fetch assumes in each account, as a template to deploy it with: CloudFormation (for a StackSet) and Terraform.

Its permissions are those of `permissions.least_policy`; whom it trusts, what it is called and which external ID it wants are parameters. The operations know no
resource, so that `Resource` is `*`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from policycheck.sources.accounts import ROLE_NAME

_ABOUT = "Read-only role that policycheck assumes to list AWS Backup jobs"
_MADE = "Made by `policycheck permissions --format {name}`: make it again when your rules ask about other lists."
_PRINCIPAL = r"^arn:aws[a-z-]*:iam::[0-9]{12}:(root|(role|user)/.+)$"
_EXTERNAL_ID = r"^([A-Za-z0-9_+=,.@:/-]{2,1224})?$"


def _as_json(policy: Mapping[str, Any]) -> str:
    return f"{json.dumps(policy, indent=2)}\n"


def _as_cloudformation(policy: Mapping[str, Any]) -> str:
    statements = "\n".join(_cloudformation_statement(statement) for statement in policy["Statement"])
    return f"""\
# {_MADE.format(name="cloudformation")}
AWSTemplateFormatVersion: "2010-09-09"
Description: {_ABOUT}
Parameters:
  TrustedPrincipalArn:
    Type: String
    Description: ARN of the IAM role or user that runs policycheck
    AllowedPattern: {_PRINCIPAL}
  RoleName:
    Type: String
    Default: {ROLE_NAME}
  ExternalId:
    Type: String
    Description: External ID that policycheck must give (--role-external-id); empty if none
    Default: ""
    AllowedPattern: {_EXTERNAL_ID}
Conditions:
  HasExternalId: !Not [!Equals [!Ref ExternalId, ""]]
Resources:
  ReadOnlyRole:
    Type: AWS::IAM::Role
    Properties:
      RoleName: !Ref RoleName
      Description: {_ABOUT}
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Principal:
              AWS: !Ref TrustedPrincipalArn
            Action: sts:AssumeRole
            Condition: !If
              - HasExternalId
              - StringEquals:
                  sts:ExternalId: !Ref ExternalId
              - !Ref AWS::NoValue
      Policies:
        - PolicyName: list-backup-jobs
          PolicyDocument:
            Version: "2012-10-17"
            Statement:
{statements}
Outputs:
  RoleArn:
    Description: For --role-arn, or the list of accounts
    Value: !GetAtt ReadOnlyRole.Arn
"""


def _cloudformation_statement(statement: Mapping[str, Any]) -> str:
    actions = "\n".join(f"                  - {action}" for action in statement["Action"])
    return f"""\
              - Sid: {statement["Sid"]}
                Effect: Allow
                Action:
{actions}
                Resource: "*\""""


_TERRAFORM = """\
# @about@.
# @made@

variable "trusted_principal_arn" {
  description = "ARN of the IAM role or user that runs policycheck"
  type        = string
}

variable "role_name" {
  type    = string
  default = "@role@"
}

variable "external_id" {
  description = "External ID that policycheck must give (--role-external-id); empty if none"
  type        = string
  default     = ""
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "AWS"
      identifiers = [var.trusted_principal_arn]
    }

    dynamic "condition" {
      for_each = var.external_id == "" ? [] : [var.external_id]

      content {
        test     = "StringEquals"
        variable = "sts:ExternalId"
        values   = [condition.value]
      }
    }
  }
}

data "aws_iam_policy_document" "list_backup_jobs" {
@statements@
}

resource "aws_iam_role" "read_only" {
  name               = var.role_name
  description        = "@about@"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

resource "aws_iam_role_policy" "list_backup_jobs" {
  name   = "list-backup-jobs"
  role   = aws_iam_role.read_only.id
  policy = data.aws_iam_policy_document.list_backup_jobs.json
}

output "role_arn" {
  description = "For --role-arn, or the list of accounts"
  value       = aws_iam_role.read_only.arn
}
"""


def _as_terraform(policy: Mapping[str, Any]) -> str:
    text = _TERRAFORM.replace("@statements@", "\n".join(map(_terraform_statement, policy["Statement"])))
    return text.replace("@made@", _MADE.format(name="terraform")).replace("@about@", _ABOUT).replace("@role@", ROLE_NAME)


def _terraform_statement(statement: Mapping[str, Any]) -> str:
    actions = ", ".join(json.dumps(action) for action in statement["Action"])
    return f"""\
  statement {{
    sid       = "{statement["Sid"]}"
    actions   = [{actions}]
    resources = ["*"]
  }}"""


TEMPLATES: Mapping[str, Callable[[Mapping[str, Any]], str]] = MappingProxyType(
    {"json": _as_json, "cloudformation": _as_cloudformation, "terraform": _as_terraform}
)
"""What `policycheck permissions` prints, by the name of its form: from an IAM policy document, `json` being the document itself."""
