"""What the GitHub Action runs: scripts of the standard library alone, since they run before anything is installed."""
