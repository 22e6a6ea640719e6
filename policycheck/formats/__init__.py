"""Reports: one module a format and one registry; each renders a whole Result and judges nothing."""
