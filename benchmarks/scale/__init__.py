"""The archive at scale: what a check of millions of archived jobs takes, beside hand-written programs over the same files (docs/scale.md).

python -m benchmarks.scale [--jobs N] [--only NAME] [--folder PATH] [--json PATH]
"""
