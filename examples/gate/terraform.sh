#!/bin/sh
# Apply a Terraform plan only when there is a backup of the database to restore from.
# usage: terraform.sh DATABASE_ARN    with BACKUP_VAULT and BACKUP_ROLE_ARN in the environment
set -eu
database=$1
gate=${GATE:-$(dirname "$0")/../gate.yaml}

# The plan is made first: what is applied is what was planned. 0: nothing to change, 2: changes.
status=0
terraform plan -input=false -detailed-exitcode -out=deploy.tfplan || status=$?
if [ "$status" = 0 ]; then
  exit 0
elif [ "$status" != 2 ]; then
  exit "$status"
fi

aws backup start-backup-job --backup-vault-name "$BACKUP_VAULT" --resource-arn "$database" --iam-role-arn "$BACKUP_ROLE_ARN"
policycheck check "$gate" --param "resource=$database" --wait 60m --poll 30s

terraform apply -input=false deploy.tfplan
