"""The shapes of HubSpot's answers: times, errors, batches."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from connector.sandbox.http import Response

JSON_TYPE = "application/json;charset=utf-8"
HTML_NOT_FOUND = b"""<html>
<head>
<meta http-equiv="Content-Type" content="text/html;charset=utf-8"/>
<title>Error 404 Not Found</title>
</head>
<body><h2>HTTP ERROR 404</h2>
<p>Resource not found</p>
</body>
</html>
"""
HTML_TOO_LONG = b"<html>\r\n<head><title>414 Request-URI Too Large</title></head>\r\n<body></body>\r\n</html>\r\n"
WHOLE = re.compile(r"0|[1-9][0-9]{0,17}")
SCOPES_URL = "https://developers.hubspot.com/scopes"


class ApiError(Exception):
    """Answer a request with an error; the correlation id is added on the way out."""

    def __init__(self, status: int, message: str, category: str | None = None, **more: Any) -> None:  # noqa: ANN401 - JSON
        super().__init__(message)
        self.status = status
        self.headers: Mapping[str, str] = {}
        self.body: dict[str, Any] = {"status": "error", "message": message, "correlationId": None, **more}
        if category:
            self.body["category"] = category


class HtmlError(Exception):
    """Answer a request with one of the vendor's HTML pages."""

    def __init__(self, response: Response) -> None:
        super().__init__(str(response.status))
        self.response = response


def html_not_found() -> HtmlError:
    """Make the HTML 404 that unknown paths, and reads of missing activities and tickets, get."""
    headers = {
        "Content-Type": "text/html;charset=iso-8859-1",
        "Cache-Control": "must-revalidate,no-cache,no-store",
        "X-HubSpot-NotFound": "true",
    }
    return HtmlError(Response(404, HTML_NOT_FOUND, headers))


def html_too_long() -> HtmlError:
    """Make the 414 of an overlong address. No recording: from the vendor's documentation."""
    return HtmlError(Response(414, HTML_TOO_LONG, {"Content-Type": "text/html"}))


def validation_error(message: str, **more: Any) -> ApiError:  # noqa: ANN401 - JSON
    """Make a 400 VALIDATION_ERROR."""
    return ApiError(400, message, "VALIDATION_ERROR", **more)


def problem_error(problems: Sequence[Mapping[str, Any]]) -> ApiError:
    """Make the 400 that tells invalid property values: once as JSON inside the message, once as errors."""
    errors = [
        {"message": each["message"], "code": each["error"], "context": {"propertyName": [each["name"]]}}
        for each in problems
    ]
    text = json.dumps(list(problems), separators=(",", ":"), ensure_ascii=False)
    return validation_error(f"Property values were not valid: {text}", errors=errors)


def missing_scopes(scopes: Sequence[str]) -> ApiError:
    """Make the 403 of a token that lacks scopes. No recording: from the vendor's documentation."""
    return ApiError(
        403,
        "This app hasn't been granted all required scopes to make this call. Read more about required scopes here:"
        f" {SCOPES_URL}.",
        "MISSING_SCOPES",
        errors=[
            {
                "message": "One or more of the following scopes are required.",
                "context": {"requiredGranularScopes": list(scopes)},
            }
        ],
        links={"scopes": SCOPES_URL},
    )


def not_found() -> ApiError:
    """Make the JSON 404 of a missing record. No recording: a body seen in the vendor's community."""
    return ApiError(404, "resource not found")


def json_response(status: int, payload: object, headers: Mapping[str, str] | None = None) -> Response:
    """Make a JSON answer."""
    body = json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()
    return Response(status, body, {"Content-Type": JSON_TYPE, **(headers or {})})


def batch_body(
    started_ms: int, ended_ms: int, results: list[dict[str, Any]], errors: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """Make the body of a batch answer; errors and their number appear where there are any."""
    body: dict[str, Any] = {
        "completedAt": stamp(ended_ms),
        "status": "COMPLETE",
        "startedAt": stamp(started_ms),
        "results": results,
    }
    if errors:
        body |= {"errors": list(errors), "numErrors": len(errors)}
    return body


def some_missing(singular: str, ids: Iterable[str]) -> dict[str, Any]:
    """Make the one error that lists all ids a batch did not find."""
    return {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "message": f"Could not get some {singular.upper()} objects, they may be deleted or not exist."
        " Check that ids are valid.",
        "context": {"ids": list(ids)},
    }


def stamp(ms: int) -> str:
    """Write a time as HubSpot does: milliseconds only where there are any."""
    return trim(stored_stamp(ms))


def stored_stamp(ms: int) -> str:
    """Write a time as the tables keep it: always three digits of milliseconds, so that text order is time order."""
    seconds, rest = divmod(ms, 1000)
    return f"{datetime.fromtimestamp(seconds, tz=UTC).isoformat()[:19]}.{rest:03d}Z"


def trim(stored: str) -> str:
    """Take a stored time to the wire."""
    return stored[:-5] + "Z" if stored.endswith(".000Z") else stored


def whole_number(text: object) -> int | None:
    """Read a whole number as ids, cursors and limits are written; null where it is none."""
    return int(str(text)) if WHOLE.fullmatch(str(text)) else None


def epoch_ms(stored: str) -> int:
    """Take a stored time to milliseconds since 1970."""
    return round(datetime.fromisoformat(stored).timestamp() * 1000)
