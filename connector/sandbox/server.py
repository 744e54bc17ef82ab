"""The sandbox as one thing to start and to stop: a CRM's own address and a control address beside it."""

import json
import signal
import tempfile
import threading
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Literal

from connector.sandbox.control import Control
from connector.sandbox.credentials import MadeUp, made_up
from connector.sandbox.faults import FaultInjector, deliver
from connector.sandbox.filling import fill, open_vendor
from connector.sandbox.http import CrmApp, Request, Response
from connector.sandbox.listener import Delivery, LoopbackServer, Wait
from connector.sandbox.pages.door import PageDoor
from connector.sandbox.state import Clock, Switches
from connector.sandbox.storage import Storage
from connector.sandbox.tls import make_authority
from connector.sandbox.traffic import Traffic, is_read

Crm = Literal["salesforce", "hubspot"]


@dataclass(frozen=True)
class SandboxOptions:
    """Say what to serve: `world` is "demo", "empty" or a folder of canonical tables.

    Ports of 0 are chosen free. Without `db` the records live in a temporary file that goes with the sandbox; a file
    that holds records already is served as it is.
    """

    crm: Crm
    port: int = 0
    control_port: int = 0
    world: str = "demo"
    people: int = 2000
    seed: int = 7
    db: Path | None = None


@dataclass(frozen=True)
class FrontDoor:
    """Let requests of the CRM's own paths in: count them, strike them with faults, hand them to the app."""

    app: CrmApp
    storage: Storage
    faults: FaultInjector = field(default_factory=FaultInjector)
    traffic: Traffic = field(default_factory=Traffic)
    pages: PageDoor | None = None

    def exchange(self, request: Request, wait: Wait) -> Delivery:
        """Answer one request; one that a fault kept from the app is journaled as a read, 0 for no answer."""
        if self.pages and (page := self.pages.answer(request)):
            return Delivery(page)
        reads = is_read(request.method, request.path, request.body)
        self.traffic.count(request.method, request.path, reads=reads)
        reached: list[Request] = []

        def answer(request: Request) -> Response:
            reached.append(request)
            return self.app.handle(request)

        delivery = deliver(self.faults.strike(request), request, wait, answer, reads=reads)
        if not reached:
            status = delivery.response.status if delivery.response else 0
            self.storage.log_read(request.method, request.path, status, None)
        return delivery


class RunningSandbox:
    """A sandbox that answers; `ready` is what its ready line says."""

    def __init__(self, ready: dict[str, Any], closing: ExitStack) -> None:
        self.ready = ready
        self._closing = closing

    def close(self) -> None:
        """Stop listening, end open connections, close the file; temporary files go."""
        self._closing.close()

    def __enter__(self) -> "RunningSandbox":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def start(options: SandboxOptions) -> RunningSandbox:
    """Fill a sandbox and serve it from threads of this process; close it, or use it as a context manager.

    Raises WorldError for a world or a file that cannot be read.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="leadlight-sandbox-")))
        clock, switches, credentials = Clock(), Switches(), made_up(options.crm, options.seed)
        storage = Storage(options.db or folder / "sandbox.db", clock)
        stack.callback(storage.close)
        context, ca_file = make_authority(folder) if options.crm == "salesforce" else (None, None)
        crm_server = LoopbackServer(options.port, clock, context)
        stack.callback(crm_server.end)
        control_server = LoopbackServer(options.control_port, clock)
        stack.callback(control_server.end)
        vendor = open_vendor(options.crm, storage, clock, switches, credentials, crm_server.url)
        fill(vendor, storage, clock, options.world, people=options.people, seed=options.seed)
        app = vendor.app
        door = FrontDoor(app, storage, pages=PageDoor(vendor.pages, clock))
        control = Control(app, storage, clock, switches, door.faults, door.traffic)
        crm_server.begin(door.exchange)
        control_server.begin(control.exchange)
        ready = ready_line(options.crm, crm_server.url, control_server.url, credentials, ca_file)
        return RunningSandbox(ready, stack.pop_all())


def ready_line(crm: Crm, url: str, control_url: str, credentials: MadeUp, ca_file: Path | None) -> dict[str, Any]:
    """Say where the sandbox is and what opens it."""
    return {
        "schema": 1,
        "crm": crm,
        "url": url,
        "token": credentials.token,
        "ca_file": str(ca_file) if ca_file else None,
        "instance_url": url if crm == "salesforce" else None,
        "control_url": control_url,
        "client_id": credentials.client_id,
        "client_secret": credentials.client_secret,
        "username": credentials.username,
        "password": credentials.password,
    }


class StopAsked(Exception):  # noqa: N818 - a request, not an error
    """A signal asked the sandbox to stop."""


def serve(options: SandboxOptions) -> None:
    """Print the ready line on stdout and serve until SIGTERM or SIGINT; call it from the main thread."""
    previous = {number: signal.signal(number, ask_to_stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        with start(options) as running:
            print(json.dumps(running.ready), flush=True)
            threading.Event().wait()
    except StopAsked:
        return
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def ask_to_stop(number: int, frame: FrameType | None) -> None:
    """Leave whatever the main thread does, through its clean-up; a second signal changes nothing."""
    for again in (signal.SIGTERM, signal.SIGINT):
        signal.signal(again, signal.SIG_IGN)
    raise StopAsked
