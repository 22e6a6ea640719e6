"""Rules evaluated at one instant after the other: over a period, and of a policy that is not in force."""
