"""Reports of `policycheck lint`."""
