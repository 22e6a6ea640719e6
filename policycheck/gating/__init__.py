"""A run that is repeated until its rules pass, cannot pass any more, or time is up."""
