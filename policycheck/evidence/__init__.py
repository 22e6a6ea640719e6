"""Evidence bundles: what a verdict rested on, and the script that judges it again."""
