#!/bin/sh
# Migrate a database and update an ECS service only when there is a backup to restore from.
# usage: ecs.sh CLUSTER SERVICE MIGRATION_TASK TASK_DEFINITION DATABASE_ARN    with BACKUP_VAULT and BACKUP_ROLE_ARN in the environment
set -eu
cluster=$1
service=$2
migration=$3
definition=$4
database=$5
gate=${GATE:-$(dirname "$0")/../gate.yaml}

aws backup start-backup-job --backup-vault-name "$BACKUP_VAULT" --resource-arn "$database" --iam-role-arn "$BACKUP_ROLE_ARN"
policycheck check "$gate" --param "resource=$database" --wait 60m --poll 30s

task=$(aws ecs run-task --cluster "$cluster" --task-definition "$migration" --query 'tasks[0].taskArn' --output text)
aws ecs wait tasks-stopped --cluster "$cluster" --tasks "$task"
code=$(aws ecs describe-tasks --cluster "$cluster" --tasks "$task" --query 'tasks[0].containers[0].exitCode' --output text)
if [ "$code" != 0 ]; then
  echo "the migration ended with $code: the service stays as it is" >&2
  exit 1
fi
aws ecs update-service --cluster "$cluster" --service "$service" --task-definition "$definition"
aws ecs wait services-stable --cluster "$cluster" --services "$service"
