"""The version of the package, alone, so that whoever needs nothing else imports nothing else."""

__version__ = "0.1.0"
