"""Dataframe engines, one module each; everything else in `engine` is written against Narwhals' lazy interface alone."""
