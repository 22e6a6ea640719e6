"""What a run is: its options, declared once, the run file, and which of the two applies."""
