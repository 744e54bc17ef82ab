"""What our fields are called in the CRM, and what people are told about them there."""

from collections.abc import Mapping
from typing import Final

from mappings.targets import ResultName

LABELS: Final[Mapping[ResultName, str]] = {
    "total": "score",
    "fit": "fit",
    "engagement": "engagement",
    "fit_grade": "fit",
    "engagement_grade": "engagement",
    "band": "band",
    "reasons": "why",
    "model": "model",
    "as_of": "scored at",
    "state": "state",
    "priority": "priority",
    "probability": "probability",
    "model_total": "model score",
    "model_band": "model band",
}
# for administrators
DESCRIPTIONS: Final[Mapping[ResultName, str]] = {
    "total": "The lead score: fit plus engagement. Written by Leadlight; edits are overwritten.",
    "fit": "Points for who this is. Written by Leadlight; edits are overwritten.",
    "engagement": "Points for what they do. Written by Leadlight; edits are overwritten.",
    "fit_grade": "Grade of who this is, A being best. Written by Leadlight; edits are overwritten.",
    "engagement_grade": "Grade of what they do, 1 being best. Written by Leadlight; edits are overwritten.",
    "band": "What the score means for sales. Written by Leadlight; edits are overwritten.",
    "reasons": "The rules that made the score. Written by Leadlight; edits are overwritten.",
    "model": "The model that made the score and the hash of its file. Written by Leadlight.",
    "as_of": "The moment the score is true for (UTC). Written by Leadlight.",
    "state": "active, never_active, gated, disqualified or suppressed. Written by Leadlight; edits are overwritten.",
    "priority": "Whom to call first: the band, then the points in it. Written by Leadlight; edits are overwritten.",
    "probability": "By the trained model, 0 to 1: how likely they convert. Written by Leadlight; do not edit.",
    "model_total": "The score that the trained model would give; nothing acts on it. Written by Leadlight.",
    "model_band": "The band that the trained model would give; nothing acts on it. Written by Leadlight.",
}
# for those who read a record: a Salesforce bubble beside the field
HELP: Final[Mapping[ResultName, str]] = {
    "total": "The higher, the better the lead. Leadlight why says where the points come from.",
    "fit": "How well company and role match what we sell to.",
    "engagement": "How much interest they have shown lately; it fades with time.",
    "fit_grade": "How well company and role match what we sell to: A is best.",
    "engagement_grade": "How much interest they have shown lately: 1 is most, and it fades with time.",
    "band": "What to do with the score: the band decides who gets the lead and by when they are called.",
    "reasons": "What gave and took the most points, the weightiest first.",
    "model": "Which rules made the score; an administrator finds them by this name.",
    "as_of": "The score is as of this time.",
    "state": "Why there is no score, where there is none: left out on purpose, or nothing known yet.",
    "priority": "Sort a list by this, highest first, and call from the top.",
    "probability": "How many of a hundred people like this one went on to convert, learned from the past: 0.25 is 25.",
    "model_total": "On trial: what the score would be if it were learned from the past. The score itself is another.",
    "model_band": "On trial: the band that a score learned from the past would give. The band itself is another.",
}
KEY_LABEL: Final = "Leadlight key"
KEY_DESCRIPTION: Final = "Keeps a task from being made twice. Written by Leadlight; do not edit."
KEY_HELP: Final = "Set by Leadlight so that no task is made twice. Please leave it as it is."
CREATED_DESCRIPTION: Final = (
    "Keeps somebody found by a feed from being created twice. Written by Leadlight; do not edit."
)
CREATED_HELP: Final = "Set by Leadlight on records that it created. Please leave it as it is."
FEEDBACK_DESCRIPTION: Final = "What sales people say of the lead. Read by Leadlight, never written by it."
FEEDBACK_HELP: Final = "Was this worth your call? Your answer is held against the score."
