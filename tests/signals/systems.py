"""The systems whose signals reach a score, and the way they come.

A test that shows one carries `@pytest.mark.signal("Bombora")`; `make signals` writes docs/signals.md from both.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class System:
    """State one row; not_here says why it does not apply, and is empty where it does."""

    name: str
    read: str = ""
    way: str = ""
    not_here: str = ""


CRM = "the mapping"
FIELDS = "fields that its own connector fills in the CRM"
SYSTEMS = (
    System(
        "HubSpot", "people, companies, deals, activity, forms, lists, its own score as a signal; ours beside it", CRM
    ),
    System(
        "HubSpot workflows / SQL >100 + industry + size rule (seed 2)",
        "a gate with a threshold; the band's property starts a workflow",
        "the model, and the mapping's band field",
    ),
    System("Salesforce (Sales Cloud)", "people, accounts, mails, tasks, campaigns, contact roles, field history", CRM),
    System("Salesforce Einstein", "its score, beside ours; never written", FIELDS),
    System("Marketo (Adobe)", "score, grade, activity; its weekly decay can be reproduced", FIELDS),
    System("Pardot / Account Engagement", "score and grade, thirds of a grade too", FIELDS),
    System("Oracle Eloqua", "ratings A1 to D4", FIELDS),
    System("Act-On", "its score, its activity, and what speaks against somebody", FIELDS),
    System("6sense", "fit, buying stage and temperature, with their date", f"{FIELDS}, or a feed"),
    System("Demandbase", "qualification, pipeline score, engagement, intent strength", f"{FIELDS}, or a feed"),
    System("Bombora", "topics that surge: a score of 60 and a quarter of the topics", "a feed"),
    System("MadKudu", "fit, score, segment", f"{FIELDS}, or a feed"),
    System("Clearbit, ZoomInfo, Apollo", "attributes, the first fresh one of an ordered list", f"{FIELDS}, or a feed"),
    System("upcell Prospector / Multi-vendor Enrichment", "attributes and new people, with vendor and date", "a feed"),
    System("DemandScience", "intent, which alone crosses no band", "a feed"),
    System("Crossbeam", "overlap with partners' customers", f"{FIELDS}, or a feed"),
    System("Drift, Intercom (chat)", "conversations and what they qualify", f"{CRM}, or a feed"),
    System(
        "Zendesk (tickets; also careers-page example)", "tickets and their severity; visits of careers pages", "a feed"
    ),
    System("Zoom (webinars; also ICP example)", "who attended, how long, polls and questions", f"{CRM}, or a feed"),
    System("Slack", "told of who enters a band, once, with reasons and a link", "a channel"),
    System(
        "Upcraft / Archer (AI texting)",
        "handed who enters a band, but nobody who is suppressed",
        "the band field, or a channel",
    ),
    System(
        "Atlassian, Microsoft, Adobe (examples)",
        "title and technology; companies by size; a model for each product",
        "models",
    ),
    System(
        "Gmail-type domains",
        "free and disposable addresses, which belong to no account",
        "lists that ship and can be replaced",
    ),
    System(
        "UTM/hidden fields", "where somebody came from; what is unknown stays so, and its share is told", "a normaliser"
    ),
    System(
        "Forrester, Lenskold, MarketingSherpa",
        not_here="they publish studies; there is nothing to read, and their findings are not ours to claim",
    ),
)

__all__ = ["SYSTEMS", "System"]
