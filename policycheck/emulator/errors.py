"""What the emulated API answers when it refuses: a code, a status and a message, as AWS Backup's model and its common errors have them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from html import escape


@dataclass
class ApiError(Exception):
    """A refusal: `code` as in botocore's ClientError, the HTTP status, and the message."""

    code: str
    message: str
    status: int = 400

    @classmethod
    def invalid(cls, message: str) -> ApiError:
        return cls("InvalidParameterValueException", message)

    @classmethod
    def missing(cls, parameter: str) -> ApiError:
        return cls("MissingParameterValueException", f"{parameter} is required")

    @property
    def fault(self) -> str:
        """Whose mistake it is, in the words of the API: Sender or Receiver."""
        return "Sender" if self.status < 500 else "Receiver"

    def as_json(self) -> bytes:
        """The body of a JSON service such as AWS Backup; the code goes into the header x-amzn-ErrorType as well."""
        return json.dumps({"__type": self.code, "Code": self.code, "Message": self.message, "Type": self.fault}).encode()

    def as_xml(self) -> bytes:
        """The body of a query service such as STS."""
        error = f"<Error><Type>{self.fault}</Type><Code>{escape(self.code)}</Code><Message>{escape(self.message)}</Message></Error>"
        return f'<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">{error}<RequestId>emulator</RequestId></ErrorResponse>'.encode()
