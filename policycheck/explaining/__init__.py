"""What a rule means: its population, what would make it fail, samples of both, and why a subject passed or failed."""
