"""The matrix: everything that can be taken from the evidence of a small organization, one thing and two at a time, and what no verdict may make of it."""
