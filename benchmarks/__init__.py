"""Speed as ratios: whole processes of policycheck against what no program doing the same work with the same libraries can avoid.

    python -m benchmarks [--runs N] [--only NAME] [--json PATH]

It depends on nothing but the package and its emulator, which lends the jobs. docs/performance.md says what is measured and what was reached.
"""
