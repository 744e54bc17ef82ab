"""The log holds what happened and no secret, whichever road a value takes."""

import base64
import json
import logging
from collections.abc import Callable, Iterator
from urllib.parse import quote

import pytest
import stamina
import structlog

from connector.errors import RetryableError
from connector.log import HIDDEN, configure

SECRET = "s3cr3t/val=ue+x"
PERSON = "canary@example.com"
Read = Callable[[], str]


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


@pytest.fixture
def stderr(capsys: pytest.CaptureFixture[str]) -> Read:
    return lambda: capsys.readouterr().err


def events(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_events_are_json_lines_where_nobody_watches(stderr: Read) -> None:
    configure("info", "auto", [])
    with structlog.contextvars.bound_contextvars(run_id="r00000001"):
        structlog.get_logger("connector.pull").info("page stored", rows=7)
    (event,) = events(stderr())
    assert event["event"] == "page stored"
    assert event["rows"] == 7
    assert event["run_id"] == "r00000001"
    assert event["level"] == "info"
    assert event["logger"] == "connector.pull"
    assert str(event["timestamp"]).endswith("Z")


def test_console_is_for_people(stderr: Read) -> None:
    configure("info", "console", [])
    structlog.get_logger().warning("slow", wait_s=2)
    text = stderr()
    assert "slow" in text
    assert "wait_s=2" in text
    assert not text.startswith("{")


@pytest.mark.fault("I10")
@pytest.mark.parametrize("format_", ["json", "console"])
def test_registered_secrets_never_show(stderr: Read, format_: str) -> None:
    configure("debug", format_, [SECRET])  # type: ignore[arg-type] # parametrized
    forms = [SECRET, quote(SECRET, safe=""), base64.b64encode(SECRET.encode()).decode()]
    log = structlog.get_logger("connector")
    for form in forms:
        message = f"text {form}"
        log.info(message, plain=form, nested={"list": [{"deep": f"x{form}y"}], form: 1}, thing=ValueError(form))
    logging.getLogger("somebody").warning("said %s", SECRET)
    text = stderr()
    assert HIDDEN in text
    assert not [form for form in forms if form in text]


@pytest.mark.parametrize("key", ["token", "Authorization", "client_secret", "password", "access_token", "private_key"])
def test_values_of_telling_keys_are_hidden(stderr: Read, key: str) -> None:
    configure("info", "json", [])
    structlog.get_logger().info("call", **{key: "unregistered"}, headers={key: "unregistered"})
    text = stderr()
    assert "unregistered" not in text
    assert text.count(HIDDEN) == 2


@pytest.mark.fault("I10")
def test_bearer_tokens_are_hidden_in_any_text(stderr: Read) -> None:
    configure("info", "json", [])
    structlog.get_logger().info("sent Authorization: Bearer 00Dxx!AQ.abcdef123")
    assert "AQ.abcdef123" not in stderr()


@pytest.mark.fault("I10")
@pytest.mark.parametrize("format_", ["json", "console"])
def test_exceptions_show_neither_locals_nor_secrets(stderr: Read, format_: str) -> None:
    configure("info", format_, [SECRET])  # type: ignore[arg-type] # parametrized
    held_in_a_local = PERSON
    try:
        raise RuntimeError(f"refused {SECRET}")
    except RuntimeError:
        structlog.get_logger().exception("failed")
    text = stderr()
    assert "RuntimeError" in text
    assert SECRET not in text
    assert held_in_a_local not in text


@pytest.mark.parametrize("vendor", ["urllib3.connectionpool", "hubspot.client", "simple_salesforce.api", "requests"])
def test_client_libraries_warn_without_arguments(stderr: Read, vendor: str) -> None:
    configure("debug", "json", [])
    logger = logging.getLogger(vendor)
    logger.debug("GET %s", PERSON)
    logger.info("GET %s", PERSON)
    try:
        raise ValueError(PERSON)
    except ValueError:
        logger.warning("Retrying after %s", PERSON, exc_info=True)
    (event,) = events(stderr())
    assert event["event"] == "Retrying after %s"
    assert PERSON not in json.dumps(event)


@pytest.mark.fault("I10")
def test_retries_are_logged_without_the_call(stderr: Read) -> None:
    configure("info", "json", [])

    def call(person: str) -> str:
        raise RetryableError(f"busy with {person}")

    with stamina.set_testing(True, attempts=2), pytest.raises(RetryableError):
        stamina.RetryingCaller(attempts=2).on(RetryableError)(call, PERSON)
    (event,) = events(stderr())
    assert event["caused_by"] == "RetryableError"
    assert event["attempt"] == 1
    assert PERSON not in json.dumps(event)


def test_the_level_holds_and_configuring_again_replaces(stderr: Read) -> None:
    configure("info", "json", [])
    configure("warning", "json", [])
    structlog.get_logger().info("unheard")
    logging.getLogger("apscheduler").info("unheard")
    structlog.get_logger().warning("heard")
    assert [event["event"] for event in events(stderr())] == ["heard"]
