"""Policies: the model of a rule, its two spellings (sentence and structured form) and the loading of policy files."""
