"""The policies that `policycheck init` drafts, on simulated organizations: no alarm in the month after, and what they find of faults."""
