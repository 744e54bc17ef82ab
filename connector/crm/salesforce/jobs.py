"""Waiting for a job of Bulk API 2.0."""

from collections.abc import Iterator

from connector.crm.salesforce.gateway import Gateway
from connector.crm.salesforce.settings import SalesforceSettings
from connector.crm.salesforce.wire import JsonValue, Request
from connector.errors import RetryableError

FINISHED = frozenset({"JobComplete", "Failed", "Aborted"})


def pauses_s(settings: SalesforceSettings) -> Iterator[float]:
    """Give growing pauses in seconds, as many as fit into the time a job may take."""
    pause_s, waited_s = settings.poll_first_s, 0.0
    while waited_s < settings.job_timeout_s:
        yield pause_s
        waited_s += pause_s
        pause_s = min(pause_s * 1.6, settings.poll_max_s)


def wait_for_job(gateway: Gateway, path: str, *, write: bool) -> JsonValue:
    """Poll until the job has ended, well or not; every look is an API request.

    Raises RetryableError when it takes too long.
    """
    for pause_s in pauses_s(gateway.settings):
        gateway.sleep(pause_s)
        # https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/get_job_info.htm
        job = gateway.json(Request("GET", path, write=write))
        if job["state"] in FINISHED:
            return job
    raise RetryableError(
        f"a bulk job has not ended within {gateway.settings.job_timeout_s:.0f} s", unknown_outcome=write
    )
