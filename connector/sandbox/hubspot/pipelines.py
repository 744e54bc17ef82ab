"""HubSpot's standard pipelines and their stages; those of leads are not recorded: as public code names them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

EPOCH = "1970-01-01T00:00:00Z"


@dataclass(frozen=True)
class Stage:
    """Describe one stage; probability is null outside deals."""

    id: str
    label: str
    closed: bool = False
    probability: float = 0.0


@dataclass(frozen=True)
class Pipeline:
    """Describe one pipeline and the properties that hold its id and its stage's id."""

    id: str
    label: str
    pipeline_property: str
    stage_property: str
    stages: tuple[Stage, ...]


@cache
def pipelines() -> Mapping[str, Pipeline]:
    """Give the one pipeline of each object that has one, by plural name."""
    lifecycle = (
        Stage("subscriber", "Subscriber"),
        Stage("lead", "Lead"),
        Stage("marketingqualifiedlead", "Marketing Qualified Lead"),
        Stage("salesqualifiedlead", "Sales Qualified Lead"),
        Stage("opportunity", "Opportunity"),
        Stage("customer", "Customer"),
        Stage("evangelist", "Evangelist"),
        Stage("other", "Other", closed=True),
    )
    deals = (
        Stage("appointmentscheduled", "Appointment Scheduled", probability=0.2),
        Stage("qualifiedtobuy", "Qualified To Buy", probability=0.4),
        Stage("presentationscheduled", "Presentation Scheduled", probability=0.6),
        Stage("decisionmakerboughtin", "Decision Maker Bought-In", probability=0.8),
        Stage("contractsent", "Contract Sent", probability=0.9),
        Stage("closedwon", "Closed Won", closed=True, probability=1.0),
        Stage("closedlost", "Closed Lost", closed=True),
    )
    tickets = (
        Stage("1", "New"),
        Stage("2", "Waiting on contact"),
        Stage("3", "Waiting on us"),
        Stage("4", "Closed", closed=True),
    )
    leads = (
        Stage("new-stage-id", "New"),
        Stage("attempting-stage-id", "Attempting"),
        Stage("connected-stage-id", "Connected"),
        Stage("qualified-stage-id", "Qualified", closed=True),
        Stage("unqualified-stage-id", "Disqualified", closed=True),
    )
    name = "Lifecycle Stage Pipeline"
    return {
        "contacts": Pipeline("contacts-lifecycle-pipeline", name, "hs_pipeline", "lifecyclestage", lifecycle),
        "companies": Pipeline("companies-lifecycle-pipeline", name, "hs_pipeline", "lifecyclestage", lifecycle),
        "deals": Pipeline("default", "Sales Pipeline", "pipeline", "dealstage", deals),
        "tickets": Pipeline("0", "Support Pipeline", "hs_pipeline", "hs_pipeline_stage", tickets),
        "leads": Pipeline("lead-pipeline-id", "Lead Pipeline", "hs_pipeline", "hs_pipeline_stage", leads),
    }


def known_stages(plural: str) -> Mapping[str, Collection[str]]:
    """Give the values that an object's pipeline and stage properties take."""
    pipeline = pipelines().get(plural)
    if pipeline is None:
        return {}
    return {
        pipeline.pipeline_property: (pipeline.id,),
        pipeline.stage_property: tuple(stage.id for stage in pipeline.stages),
    }


def stages_of(plural: str) -> Mapping[str, Stage]:
    """Give an object's stages by id."""
    pipeline = pipelines().get(plural)
    return {stage.id: stage for stage in pipeline.stages} if pipeline else {}


def moves_back(plural: str, before: str | None, after: str | None) -> bool:
    """Tell whether a lifecycle stage would go back; to and from none is no way back."""
    order = list(stages_of(plural))
    return bool(before and after) and before in order and after in order and order.index(after) < order.index(before)


def furthest_stage(plural: str, one: str | None, other: str | None) -> str | None:
    """Give the later of two stages."""
    return one if not other or (one and not moves_back(plural, other, one)) else other


def pipeline_body(plural: str, pipeline: Pipeline) -> dict[str, Any]:
    """Show a pipeline as `/crm/v3/pipelines/{object}` does."""
    stages = [stage_body(plural, stage, order) for order, stage in enumerate(pipeline.stages)]
    return {"label": pipeline.label, "displayOrder": 0, "id": pipeline.id, "stages": stages} | stamps()


def stage_body(plural: str, stage: Stage, order: int) -> dict[str, Any]:
    """Show a stage; deals tell its probability, all others its state."""
    metadata = {"isClosed": "true" if stage.closed else "false"}
    if plural == "deals":
        metadata["probability"] = str(stage.probability)
    elif plural == "tickets":
        metadata["ticketState"] = "CLOSED" if stage.closed else "OPEN"
    else:
        metadata["state"] = "CLOSED" if stage.closed else "OPEN"
    shown = {"label": stage.label, "displayOrder": order, "metadata": metadata, "id": stage.id}
    return shown | stamps() | {"writePermissions": "CRM_PERMISSIONS_ENFORCEMENT"}


def stamps() -> dict[str, Any]:
    """Give the stamps of what came with the account."""
    return {"createdAt": EPOCH, "updatedAt": EPOCH, "archived": False}
