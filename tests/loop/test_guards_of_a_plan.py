"""What a plan may not do unless somebody says that it is meant."""

import pytest

from connector import pipeline
from connector.compose import open_job
from connector.errors import QuotaExhausted, UnsafePlan
from connector.pipeline import Options, Outcome
from tests.loop.loops import CHIEF, HOT, MODEL, Loop, written_state


def limits(loop: Loop, **values: object) -> None:
    """Set limits that fit a world of 24 people; `configure` ends with [limits]."""
    lines = "".join(f"{name} = {value}\n" for name, value in values.items())
    text = loop.config.read_text("utf-8").replace("max_changed_share = 0.5", "max_changed_share = 1.0")
    loop.config.write_text(text + lines, encoding="utf-8")


def sync(loop: Loop, *allowed: str) -> Outcome:
    """Sync, letting these guards pass."""
    with open_job(loop.config, writer=True, writes_crm=True) as job:
        return pipeline.sync(job, Options(allowed=allowed))


def test_a_changed_model_is_applied_only_where_that_is_said(synced: Loop) -> None:
    text = MODEL.replace("points = 60", "points = 61")
    (synced.folder / "model.toml").write_text(text, encoding="utf-8")
    mark = synced.mark()
    with pytest.raises(UnsafePlan, match=r"titles was \w{12} and is \w{12}; .*pass --accept-model") as refused:
        sync(synced)
    assert UnsafePlan.exit_code == 4
    assert "changed_bands" not in refused.value.message
    assert synced.writes(mark) == []
    sync(synced, "model_changed")
    assert float(synced.people()["p00"]["fields"][synced.words.score]) == 61
    synced.advance(60)
    assert sync(synced).status == "ok"  # accepted once, it is the model


def test_the_first_model_has_nothing_to_differ_from(fresh: Loop) -> None:
    assert sync(fresh).status == "ok"


def test_too_many_tasks_and_owners_stop_a_plan(synced: Loop, expected: dict[str, object]) -> None:
    limits(synced, min_population=10, max_owner_share=0.1, max_task_share=0.2)
    for who in ("p10", "p11", "p12", "p13", "p14"):
        synced.retitle(who, CHIEF)
    mark = synced.mark()
    with pytest.raises(UnsafePlan) as refused:
        sync(synced)
    assert "guard new_tasks: 20.8% of 24 is over the limit of 20.0%" in refused.value.message
    assert "pass --allow new_tasks" in refused.value.message
    assert "guard changed_owners" in refused.value.message
    assert synced.writes(mark) == []
    assert written_state(synced) == expected
    sync(synced, "new_tasks", "changed_owners")
    assert len(synced.tasks()) == len(HOT) + 5


def test_what_others_use_of_the_day_is_left_to_them(synced: Loop) -> None:
    used = synced.control("stats")["requests"]
    synced.control("settings", {"daily_quota": used + 40})
    limits(synced, daily_api_reserve_share=0.6)
    synced.config.write_text(synced.config.read_text("utf-8").replace("share = 0.3", "share = 1.0"), encoding="utf-8")
    synced.retitle("p20", CHIEF)
    mark = synced.mark()
    with pytest.raises(QuotaExhausted, match="daily_api_reserve_share"):
        sync(synced)
    assert synced.writes(mark) == []
