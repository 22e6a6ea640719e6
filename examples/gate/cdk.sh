#!/bin/sh
# Deploy a CDK stack only when there is a backup of its database to restore from.
# usage: cdk.sh STACK DATABASE_ARN    with BACKUP_VAULT and BACKUP_ROLE_ARN in the environment
set -eu
stack=$1
database=$2
gate=${GATE:-$(dirname "$0")/../gate.yaml}

# Synthesized first: what is deployed is what was built before the backup.
npx cdk synth "$stack" --output cdk.deploy

aws backup start-backup-job --backup-vault-name "$BACKUP_VAULT" --resource-arn "$database" --iam-role-arn "$BACKUP_ROLE_ARN"
policycheck check "$gate" --param "resource=$database" --wait 60m --poll 30s

npx cdk deploy "$stack" --app cdk.deploy --require-approval never
