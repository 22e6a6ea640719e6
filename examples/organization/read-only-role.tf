# Read-only role that policycheck assumes to list AWS Backup jobs.
# Made by `policycheck permissions --format terraform`: make it again when your rules ask about other lists.

variable "trusted_principal_arn" {
  description = "ARN of the IAM role or user that runs policycheck"
  type        = string
}

variable "role_name" {
  type    = string
  default = "AWSBackupAudit"
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
  statement {
    sid       = "ListJobs"
    actions   = ["backup:ListBackupJobs", "backup:ListCopyJobs", "backup:ListRestoreJobs"]
    resources = ["*"]
  }
  statement {
    sid       = "TellEnabledRegions"
    actions   = ["account:ListRegions"]
    resources = ["*"]
  }
}

resource "aws_iam_role" "read_only" {
  name               = var.role_name
  description        = "Read-only role that policycheck assumes to list AWS Backup jobs"
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
