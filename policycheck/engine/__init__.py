"""The engine: rules to dataframe expressions, expressions to verdicts. It touches no network, no clock and no file."""
