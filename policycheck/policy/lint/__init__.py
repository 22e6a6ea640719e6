"""What is suspicious in policies, found without a job list."""
