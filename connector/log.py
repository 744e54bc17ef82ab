"""The log: structured, on standard error, and free of secrets.

The program's own events and those of libraries take one road: the same level, the same redaction, which is the last
step before the text is made. Client and learning libraries are heard from `warning` on, and only with the constant part
of what they say: their arguments hold addresses, e-mails and bodies.
"""

import base64
import logging
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal
from urllib.parse import quote

import stamina.instrumentation
import structlog
from stamina.instrumentation import RetryDetails
from structlog.tracebacks import ExceptionDictTransformer
from structlog.types import EventDict, Processor

Format = Literal["auto", "console", "json"]
HIDDEN = "[hidden]"
VENDORS = ("urllib3", "requests", "hubspot", "simple_salesforce", "stamina", "interpret")
_KEYS = re.compile(
    r"token|secret|authorization|password|passphrase|private_key|api_?key|cookie|session_id", re.IGNORECASE
)
_CREDENTIAL = re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/!=-]{8,}", re.IGNORECASE)
_SHORTEST_SECRET = 4  # a shorter one would black out ordinary words


def configure(level: str, format: Format, secrets: Sequence[str]) -> None:  # noqa: A002 - the setting's own name
    """Set up logging for the process; may be called again. `auto` is console on a terminal, else one JSON per line.

    Each secret is hidden wherever it occurs in a value, also URL-quoted or in base64.
    """
    console = format == "console" or (format == "auto" and sys.stderr.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(without_arguments)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=_last_steps(secrets, console=console))
    )
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    for vendor in VENDORS:
        logging.getLogger(vendor).setLevel(max(logging.WARNING, logging.getLevelNamesMapping()[level.upper()]))
    stamina.instrumentation.set_on_retry_hooks([_log_retry])


def redactor(secrets: Sequence[str]) -> Processor:
    """Build the processor that hides values by key name, registered secrets in any text, and bearer tokens."""
    forms = sorted({form for secret in secrets for form in _forms(secret)}, key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, forms))) if forms else None

    def clean(text: str) -> str:
        hidden = pattern.sub(HIDDEN, text) if pattern else text
        return _CREDENTIAL.sub(rf"\1 {HIDDEN}", hidden)

    def redact(_logger: object, _method: str, event: EventDict) -> EventDict:
        return {clean(str(key)): _redacted(str(key), value, clean) for key, value in event.items()}

    return redact


def without_arguments(record: logging.LogRecord) -> bool:
    """Keep the constant part of a client library's message: no arguments, no exception. A handler's filter."""
    if record.name.partition(".")[0] in VENDORS and not isinstance(record.msg, dict):
        record.args = ()
        record.exc_info = record.exc_text = None
    return True


def _last_steps(secrets: Sequence[str], *, console: bool) -> list[Processor]:
    traces: Processor = structlog.processors.format_exc_info
    renderer: Processor = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    if not console:
        traces = structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False))
        renderer = structlog.processors.JSONRenderer(ensure_ascii=False)
    return [structlog.stdlib.ProcessorFormatter.remove_processors_meta, traces, redactor(secrets), renderer]


def _redacted(key: str, value: Any, clean: Callable[[str], str]) -> Any:  # noqa: ANN401 - a logged value of any kind
    if value is not None and _KEYS.search(key) and not isinstance(value, bool | int | float):
        return HIDDEN
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return clean(value)
        case Mapping():
            return {clean(str(inner)): _redacted(str(inner), held, clean) for inner, held in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_redacted("", item, clean) for item in value]
        case _:
            return clean(repr(value))


def _forms(secret: str) -> set[str]:
    if len(secret) < _SHORTEST_SECRET:
        return set()
    encoded = base64.b64encode(secret.encode()).decode()
    return {secret, quote(secret, safe=""), quote(secret), encoded, encoded.rstrip("="), repr(secret)[1:-1]}


def _log_retry(details: RetryDetails) -> None:
    # stamina's own hook logs the arguments of the call and the text of the exception
    structlog.get_logger("connector.retry").warning(
        "retry scheduled",
        attempt=details.retry_num,
        wait_s=round(details.wait_for, 3),
        caused_by=type(details.caused_by).__name__,
    )
