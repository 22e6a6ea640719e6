"""A loopback AWS Backup endpoint and the sample organization it serves; needs the `emulator` extra, but for `organization`."""
