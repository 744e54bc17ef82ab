"""The trained models that a run scores with are noted, so that one can come back to them."""

from connector.job import Job
from connector.store import acceptance, versions
from connector.store.state import transaction
from connector.trained.switch import note_version


def note_in_use(job: Job) -> tuple[str, ...]:
    """Note the versions that this run scores with; tells those whose first plan is still to come, and new files."""
    notes = []
    for model in job.models.known():
        meant = acceptance.accepted(job.state, model.id, model.hash)
        by, note = (meant.by, meant.note) if meant else (versions.BY_FILE, "")
        with transaction(job.state):
            is_news = note_version(job.state, model, by=by, note=note)
        if model.table is not None and (is_news or meant is not None):
            notes.append(f"model {model.id} is scored by version {model.table.version} ({note or f'by {by}'})")
    return tuple(notes)
