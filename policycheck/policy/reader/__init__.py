"""What people type, read as a canonical sentence: a lexicon, patterns, and nothing that is left over."""
