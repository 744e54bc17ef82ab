"""What made-up people and companies do: a year of activity that their hidden propensity drives."""

import json
import random
from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

from connector.sandbox.world.companies import account_id
from connector.sandbox.world.profiles import DAY_S, EPOCH_S, LAST_S, WINDOW_S, Profile
from connector.sandbox.world.rows import Event
from connector.sandbox.world.vocabulary import Weighted, vocabulary, weighted

LEVELS = 20  # propensity is rounded to so many steps when the mix of touches is looked up
TOUCHES_BASE, TOUCHES_SLOPE = 3.8, 13.0
BURST_TOUCHES = (4, 9)
BURST_DAYS = 9
WEBINAR_HOUR_S = 15 * 3600


class Deed(NamedTuple):
    """One event before it has a person and an id; after_s counts from the start of the touch."""

    after_s: int
    type: str
    url: str | None = None
    asset: str | None = None
    source: str | None = None
    value: float | None = None
    props: str | None = None
    is_bot: bool | None = None


Touch = Callable[[random.Random], list[Deed]]


def visit(rng: random.Random) -> list[Deed]:
    """Look at one to three pages."""
    pages, after_s, deeds = vocabulary().lists["pages"], 0, []
    for _ in range(rng.choice((1, 1, 2, 3))):
        deeds.append(Deed(after_s, "page_view", url=vocabulary().our_site + rng.choice(pages)))
        after_s += rng.randint(8, 240)
    return deeds


def pricing(rng: random.Random) -> list[Deed]:
    """Look at the pricing page."""
    return [Deed(0, "page_view", url=f"{vocabulary().our_site}/pricing")]


def newsletter(rng: random.Random) -> list[Deed]:
    """Get a newsletter; some open it, a few click."""
    subject = rng.choice(vocabulary().lists["newsletters"])
    deeds = [Deed(0, "email_sent", asset=subject)]
    if rng.random() < 0.4:
        deeds.append(Deed(rng.randint(60, 40_000), "email_open", asset=subject, source="email"))
        if rng.random() < 0.3:
            link = vocabulary().our_site + rng.choice(vocabulary().lists["pages"])
            deeds.append(Deed(deeds[-1].after_s + rng.randint(5, 90), "email_click", link, subject, "email"))
    elif rng.random() < 0.03:
        deeds.append(Deed(rng.randint(1, 20), "email_bounce", asset=subject, source="email"))
    return deeds


def webinar(rng: random.Random) -> list[Deed]:
    """Register for a webinar; most attend it some days later."""
    title = rng.choice(vocabulary().lists["webinars"])
    deeds = [Deed(0, "webinar_registered", asset=title)]
    if rng.random() < 0.6:
        deeds.append(Deed(rng.randint(1, 10) * DAY_S + rng.randint(0, 600), "webinar_attended", asset=title))
    return deeds


def form(rng: random.Random) -> list[Deed]:
    """Send a form."""
    name = rng.choice(vocabulary().lists["forms"])
    props = json.dumps({"form": name, "utm_campaign": rng.choice(("spring", "autumn", "always-on"))})
    return [Deed(0, "form_submission", f"{vocabulary().our_site}/contact", name, "web", props=props)]


def demo(rng: random.Random) -> list[Deed]:
    """Look at pricing and ask for a demo."""
    site = vocabulary().our_site
    return [
        Deed(0, "page_view", url=f"{site}/pricing"),
        Deed(rng.randint(20, 400), "demo_request", f"{site}/demo", "Book a demo", "web", props='{"seats": "25"}'),
    ]


def trial(rng: random.Random) -> list[Deed]:
    """Start a trial and use it."""
    days = range(rng.randint(1, 3))
    used = [Deed(day * DAY_S + rng.randint(900, 9000), "product_usage", value=rng.randint(1, 40)) for day in days]
    return [Deed(0, "trial_start", f"{vocabulary().our_site}/trial", source="web"), *used]


def single(kind: str, words: str | None = None, *, page: bool = False, source: str | None = None) -> Touch:
    """Make a touch of one event whose asset, or whose page, is drawn from a list of words."""

    def touch(rng: random.Random) -> list[Deed]:
        word = rng.choice(vocabulary().lists[words]) if words else None
        url = f"{vocabulary().our_site}{word}" if page else None
        return [Deed(0, kind, url, None if page else word, source)]

    return touch


def bot_click_through(rng: random.Random) -> list[Deed]:
    """Open a mail and click all its links within seconds; half of these are marked as a bot's."""
    subject, marked = rng.choice(vocabulary().lists["newsletters"]), True if rng.random() < 0.5 else None
    deeds = [Deed(0, "email_sent", asset=subject), Deed(1, "email_open", asset=subject, source="email", is_bot=marked)]
    for after_s, page in enumerate(rng.sample(vocabulary().lists["pages"], 6), 2):
        deeds.append(Deed(after_s, "email_click", vocabulary().our_site + page, subject, "email", is_bot=marked))
    return deeds


@cache
def mix(level: int) -> Weighted:
    """Give the touches of an ordinary day, weighted for a propensity of level / 20."""
    p = level / LEVELS
    return weighted(
        [
            (newsletter, 3.2),
            (visit, 2.4),
            (pricing, 0.06 + 0.5 * p),
            (single("content_download", "downloads", source="web"), 0.3 + 0.5 * p),
            (single("case_study_download", "case_studies", source="web"), 0.08 + 0.4 * p),
            (webinar, 0.25 + 0.4 * p),
            (form, 0.25),
            (demo, 0.01 + 0.1 * p * p),
            (trial, 0.01 + 0.08 * p * p),
            (single("competitor_comparison_view", "competitor_pages", page=True), 0.03 + 0.15 * p),
            (single("chat"), 0.08 + 0.1 * p),
            (single("call", "call_subjects"), 0.25 + 0.5 * p),
            (single("meeting", "meeting_subjects"), 0.04 + 0.4 * p * p),
            (single("social_engagement", source="linkedin"), 0.2),
            (single("email_reply", "newsletters"), 0.05 + 0.2 * p),
            (single("careers_visit", "careers_pages", page=True), 0.06),
        ]
    )


@cache
def intent() -> Weighted:
    """Give the touches of somebody who looks for a product."""
    return weighted(
        [
            (pricing, 3.5),
            (visit, 1.5),
            (demo, 1.3),
            (trial, 0.7),
            (single("case_study_download", "case_studies", source="web"), 0.9),
            (single("competitor_comparison_view", "competitor_pages", page=True), 0.5),
            (webinar, 0.4),
            (single("call", "call_subjects"), 0.8),
            (single("meeting", "meeting_subjects"), 0.7),
            (single("email_reply", "newsletters"), 0.4),
        ]
    )


@cache
def persona_mix(persona: str) -> Weighted | None:
    """Give the touches of personas with habits of their own."""
    careers = single("careers_visit", "careers_pages", page=True)
    download = single("content_download", "downloads", source="web")
    habits: dict[str, list[tuple[Touch, float]]] = {
        "job_seeker": [(careers, 5), (visit, 1)],
        "student": [(download, 3), (visit, 2), (newsletter, 2)],
        "competitor": [(pricing, 3), (visit, 4), (webinar, 1)],
        "bot": [(bot_click_through, 1)],
    }
    return weighted(habits[persona]) if persona in habits else None


def person_events(seed: int, number: int, lived: Profile) -> Iterator[Event]:
    """Give a person's events, ordered by time; ids count upwards per person."""
    if lived.silent:
        return
    rng = random.Random(f"events {seed} {number}")  # noqa: S311 - a repeatable draw is wanted
    start_s = max(lived.person.created_s or 0, EPOCH_S - WINDOW_S)
    timed = [*ordinary(rng, lived, start_s), *(deed for moment in lived.moments for deed in burst(rng, moment.at_s))]
    if lived.unsubscribed_s:
        timed.append((lived.unsubscribed_s, Deed(0, "unsubscribe", source="email")))
    reachable = lived.person.email is not None
    timed = [(at_s, deed) for at_s, deed in timed if start_s <= at_s <= LAST_S and (reachable or not mailed(deed))]
    timed.sort(key=lambda item: (item[0], item[1].type))
    for count, (at_s, deed) in enumerate(timed):
        yield Event(f"e{number:07d}-{count:03d}", deed.type, at_s, lived.person.person_id, None, *deed[2:])


def mailed(deed: Deed) -> bool:
    """Tell whether a deed needs an e-mail address."""
    return deed.type.startswith("email_") or deed.type == "unsubscribe"


def ordinary(rng: random.Random, lived: Profile, start_s: int) -> Iterator[tuple[int, Deed]]:
    """Spread ordinary touches between a person's arrival and the day it goes quiet."""
    days = (lived.quiet_since_s - start_s) / DAY_S
    mean = (TOUCHES_BASE + TOUCHES_SLOPE * lived.propensity) * (0.25 + 0.75 * min(1.0, days / 365))
    touches = persona_mix(lived.persona) or mix(round(lived.propensity * LEVELS))
    for _ in range(1 + int(rng.expovariate(1 / mean))):
        yield from shifted(touches.draw(rng)(rng), working_time(rng, start_s, lived.quiet_since_s))


def burst(rng: random.Random, at_s: int) -> Iterator[tuple[int, Deed]]:
    """Crowd touches of intent into the days before a moment."""
    touches = intent()
    for _ in range(rng.randint(*BURST_TOUCHES)):
        yield from shifted(touches.draw(rng)(rng), at_s - int(BURST_DAYS * DAY_S * rng.random() ** 1.5))


def shifted(deeds: list[Deed], start_s: int) -> Iterator[tuple[int, Deed]]:
    """Give deeds their times; webinars are held at three in the afternoon."""
    for deed in deeds:
        at_s = start_s + deed.after_s
        if deed.type == "webinar_attended":
            at_s = at_s - at_s % DAY_S + WEBINAR_HOUR_S + deed.after_s % 600
        yield at_s, deed


def working_time(rng: random.Random, start_s: int, end_s: int) -> int:
    """Draw a time, mostly in working hours."""
    at_s = start_s + int(max(0, end_s - start_s) * rng.random())
    if rng.random() < 0.85:
        at_s = at_s - at_s % DAY_S + rng.randrange(7 * 3600, 18 * 3600)
    return at_s


def account_events(seed: int, number: int) -> Iterator[Event]:
    """Give what happens at a company: surges of intent, and for some usage, tickets and contract dates."""
    rng = random.Random(f"account events {seed} {number}")  # noqa: S311 - a repeatable draw is wanted
    deeds: list[Deed] = []
    if rng.random() < 0.15:
        topic = rng.choice(vocabulary().lists["surge_topics"])
        deeds.append(Deed(0, "intent_surge", asset=topic, source="intent data", value=rng.randint(50, 100)))
    if rng.random() < 0.14:
        deeds += [Deed(0, "product_usage", value=rng.randint(5, 500)) for _ in range(rng.randint(1, 6))]
        deeds += [Deed(0, "ticket", asset="Support request") for _ in range(rng.randint(0, 3))]
        deeds.append(Deed(0, "contract_event", asset="Contract signed"))
    timed = [(working_time(rng, EPOCH_S - WINDOW_S, LAST_S - DAY_S), deed) for deed in deeds]
    timed.sort(key=lambda item: (item[0], item[1].type))
    for count, (at_s, deed) in enumerate(timed):
        yield Event(f"x{number:06d}-{count:02d}", deed.type, at_s, None, account_id(number), *deed[2:])
