"""Refusals, in the shapes Salesforce answers them."""

from collections.abc import Sequence
from typing import Any


class CrmError(Exception):
    """Refuse a request or one row of it; fields is null where the real body has no such key, more what it adds."""

    def __init__(self, code: str, message: str, fields: Sequence[str] | None = (), status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.fields, self.status = code, message, fields, status
        self.headers: dict[str, str] = {}
        self.more: dict[str, Any] = {}

    def body(self) -> list[dict[str, Any]]:
        """Give the array of a refused request."""
        error: dict[str, Any] = {"message": self.message, "errorCode": self.code}
        if self.fields is not None:
            error["fields"] = list(self.fields)
        return [{**error, **self.more}]

    def row(self) -> dict[str, Any]:
        """Give the result of one refused row of a collection."""
        error = {"statusCode": self.code, "message": self.message, "fields": list(self.fields or ())}
        return {"success": False, "errors": [{**error, **self.more}]}

    def cell(self) -> str:
        """Give the sf__Error text of one refused row of a bulk job."""
        return f"{self.code}:{self.message}:{','.join(self.fields or ())} --"


def not_found(message: str = "The requested resource does not exist") -> CrmError:
    """Refuse a path or record that is not there."""
    return CrmError("NOT_FOUND", message, None, 404)


def malformed(message: str) -> CrmError:
    """Refuse a query that the grammar does not know."""
    return CrmError("MALFORMED_QUERY", message, None)


def pointing(query: str, position: int, code: str, message: str) -> CrmError:
    """Refuse a query with the vendor's caret under the offending word."""
    line_start = query.rfind("\n", 0, position) + 1
    row, column = query.count("\n", 0, position) + 1, position - line_start + 1
    start = max(line_start, position - 30)
    excerpt = query[start : position + 40].split("\n")[0]
    caret = " " * (position - start) + "^"
    return CrmError(code, f"\n{excerpt}\n{caret}\nERROR at Row:{row}:Column:{column}\n{message}", None)
