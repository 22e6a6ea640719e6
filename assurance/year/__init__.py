"""A simulated organization over a year: no alarm while it is healthy, and every fault found by the first run after the breach."""
