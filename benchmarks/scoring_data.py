"""The world and the model that the scoring benchmark measures: made up, and the same for the same seed."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from connector.engine.relations import literal
from connector.store.files import ROW_GROUP_ROWS

AS_OF = datetime(2026, 6, 1, tzinfo=UTC)
PEOPLE_PER_ACCOUNT = 8
SILENT_SHARE = 0.15  # people without any event
SPREAD = 1.2  # of the lognormal number of events of everybody else
MOST_EVENTS = 5000

# One uniform number in 0..1 for an id (`k` for events) and a salt; hashes need no state, so that threads do not matter.
_MACROS = """
CREATE MACRO u(id, salt) AS hash(id, salt, {seed}) / 1.8446744073709552E19;
CREATE MACRO pick(id, salt, choices) AS list_extract(choices, 1 + CAST(floor(u(id, salt) * len(choices)) AS INTEGER));
CREATE MACRO normal(id, salt) AS
  sqrt(-2.0E0 * ln(1.0E-12 + u(id, salt))) * cos(6.283185307179586E0 * u(id, salt + 1));
CREATE MACRO before(days) AS
  CAST(TIMESTAMP '{as_of}' - to_seconds(CAST(floor(days * 86400.0E0) AS BIGINT)) AS TIMESTAMP);
"""

_ACCOUNTS = """
SELECT format('a{{:08d}}', i) AS account_id, format('Company {{}}', i) AS name, format('c{{}}.example', i) AS domain,
  pick(i, 101, ['Software', 'Technology', 'Telecommunications', 'Retail', 'Healthcare', 'Banking', 'Education',
    'Manufacturing', 'Energy', NULL]) AS industry,
  CASE WHEN u(i, 102) > 0.1 THEN floor(exp(4.5E0 + 1.6E0 * normal(i, 103))) END AS employees,
  CASE WHEN u(i, 105) > 0.2 THEN round(exp(15.5E0 + 1.8E0 * normal(i, 106))) END AS revenue,
  pick(i, 108, ['US', 'US', 'GB', 'DE', 'FR', 'IN', 'BR', NULL]) AS country,
  list_filter(['salesforce', 'hubspot', 'marketo', 'sap'], lambda x: u(i, 110 + len(x)) > 0.7) AS technologies,
  pick(i, 120, ['prospect', 'prospect', 'prospect', 'customer', 'partner']) AS type,
  format('o{{}}', i % 40) AS owner_id
FROM range({accounts}) t(i)
"""

_PEOPLE = """
SELECT format('p{{:09d}}', i) AS person_id, pick(i, 1, ['lead', 'contact']) AS kind,
  CASE WHEN u(i, 2) > 0.1 THEN format('a{{:08d}}', i // {per_account}) END AS account_id,
  format('o{{}}', i % 40) AS owner_id,
  format('person{{}}@{{}}', i, CASE WHEN u(i, 3) < 0.2 THEN pick(i, 4, ['gmail.com', 'yahoo.com', 'outlook.com'])
    ELSE format('c{{}}.example', i // {per_account}) END) AS email,
  CASE WHEN u(i, 5) > 0.4 THEN format('+1555{{:09d}}', i) END AS phone,
  pick(i, 6, ['Chief Executive Officer', 'VP Revenue', 'Director of Operations', 'Marketing Manager', 'Sales Manager',
    'IT Administrator', 'Student', 'Engineer', 'Revenue Operations Analyst', NULL]) AS title,
  pick(i, 7, ['c_level', 'vp', 'director', 'manager', 'staff', 'staff', 'staff', NULL]) AS seniority,
  pick(i, 8, ['sales', 'marketing', 'operations', 'it', 'engineering', 'finance', 'hr', NULL]) AS department,
  pick(i, 9, ['economic_buyer', 'champion', 'user', NULL, NULL, NULL]) AS buying_role,
  pick(i, 10, ['US', 'US', 'US', 'GB', 'DE', 'FR', 'IN', 'BR', 'IR', NULL]) AS country,
  pick(i, 11, ['Web', 'Referral by customer', 'Trade show', 'Webinar', 'Purchased list', NULL]) AS source,
  u(i, 12) < 0.02 AS opted_out, before(1000.0E0 * u(i, 13)) AS created_at
FROM range({people}) t(i)
"""

_EVENTS = """
WITH counted AS (
  SELECT i, CASE WHEN u(i, 20) < {silent} THEN 0
    ELSE least({most}, CAST(round(exp({mu} + {spread} * normal(i, 21))) AS INTEGER)) END AS n
  FROM range({people}) t(i)
), listed AS (SELECT i, unnest(range(n)) AS j FROM counted),
typed AS (
  SELECT i, j, i * {most} + j AS k, CASE
    WHEN u(k, 30) < 0.40 THEN 'page_view' WHEN u(k, 30) < 0.58 THEN 'email_open'
    WHEN u(k, 30) < 0.70 THEN 'email_sent' WHEN u(k, 30) < 0.78 THEN 'email_click'
    ELSE pick(k, 31, ['email_reply', 'form_submission', 'form_submission', 'content_download', 'content_download',
      'content_download', 'case_study_download', 'demo_request', 'webinar_registered', 'webinar_registered',
      'webinar_attended', 'meeting', 'call', 'call', 'social_engagement', 'competitor_comparison_view', 'trial_start',
      'product_usage', 'product_usage', 'careers_visit', 'unsubscribe', 'ticket']) END AS type
  FROM listed
)
SELECT format('e{{:012d}}', k) AS event_id, type, before(730.0E0 * u(k, 32) * u(k, 33)) AS occurred_at,
  format('p{{:09d}}', i) AS person_id, CAST(NULL AS VARCHAR) AS account_id,
  CASE WHEN type IN ('page_view', 'careers_visit', 'competitor_comparison_view') THEN pick(k, 34, ['/', '/product',
    '/pricing', '/pricing?plan=team', '/docs/start', '/docs/api', '/about', '/careers', '/customers'])
    || CASE WHEN u(k, 35) < 0.5 THEN format('#{{}}', CAST(floor(u(k, 36) * 5000) AS INTEGER)) ELSE '' END END AS url,
  CASE WHEN type LIKE '%download' OR type LIKE 'webinar%'
    THEN format('asset {{}}', CAST(floor(u(k, 37) * 50) AS INTEGER)) END AS asset,
  pick(k, 38, ['web', 'mail', 'crm']) AS source,
  CASE WHEN type = 'product_usage' THEN floor(u(k, 39) * 40) END AS value, u(k, 40) < 0.01 AS is_bot
FROM typed
"""

MODEL = r"""# Twenty rules of fit and twenty of engagement, of every kind that one pass over the events can tally.
fit = [
  { id = "c_level", group = "role", when = { field = "seniority", is = "c_level" }, points = 18 },
  { id = "vp", group = "role", when = { field = "seniority", is = "vp" }, points = 15 },
  { id = "director", group = "role", when = { field = "seniority", is = "director" }, points = 12 },
  { id = "manager", group = "role", when = { field = "seniority", in = ["manager", "lead"] }, points = 7 },
  { id = "buyer", group = "role", when = { field = "buying_role", in = ["economic_buyer", "champion"] }, points = 8 },
  { id = "department", group = "role", when = { field = "department", in = ["sales", "marketing", "it"] }, points = 6 },
  { id = "title", group = "role", when = { field = "title", contains_any = ["operations", "revenue"] }, points = 4 },
  { id = "student", group = "role", when = { field = "title", matches = "\\b(?:intern|student)\\b" }, points = -10 },
  { id = "industry", group = "company", when = { field = "account.industry", in = ["Software", "Technology", "Telecommunications"] }, points = 10 },
  { id = "school", group = "company", when = { field = "account.industry", is = "Education" }, points = -10, disqualify = true },
  { id = "size", group = "company", field = "account.employees", brackets = [{ below = 10, points = -5 }, { below = 50, points = 4 }, { below = 1000, points = 12 }, { points = 8 }] },
  { id = "revenue", group = "company", field = "account.revenue", brackets = [{ below = 1e6, points = 0 }, { below = 1e7, points = 5 }, { points = 10 }] },
  { id = "technologies", group = "company", when = { field = "account.technologies", contains_any = ["salesforce", "hubspot"] }, points = 6 },
  { id = "prospect", group = "company", when = { field = "account.type", is = "prospect" }, points = 3 },
  { id = "home_country", group = "company", when = { field = "country", in = ["US", "GB", "DE", "FR"] }, points = 4 },
  { id = "served_country", gate = true, unknown = "pass", when = { field = "country", not_in = ["IR", "KP"] }, points = 1 },
  { id = "free_mail", when = { field = "email_domain", in_list = "free_mail" }, points = -8 },
  { id = "no_phone", when = { field = "phone", missing = true }, points = -2 },
  { id = "referral", when = { all = [{ field = "source", contains = "referral" }, { not = { field = "kind", is = "contact" } }] }, points = 4 },
  { id = "new_record", when = { field = "created_at", newer_than = "90d" }, points = 3 },
]
engagement = [
  { id = "demo", group = "hand_raise", event = "demo_request", points = 30, cap = 30, decay = { half_life = "30d" } },
  { id = "trial", group = "hand_raise", event = "trial_start", points = 20, award = "once", decay = { half_life = "21d" } },
  { id = "meeting", group = "hand_raise", event = "meeting", points = 12, decay = { linear = "60d" } },
  { id = "call", group = "hand_raise", event = "call", points = 4, cap = 12, decay = { per_week = 0.05 } },
  { id = "form", group = "hand_raise", event = "form_submission", points = 6, cap = 18, decay = { half_life = "21d" } },
  { id = "pricing", group = "web", event = "page_view", where = { field = "url", contains = "/pricing" }, points = 5, cap = 20, decay = { half_life = "14d" } },
  { id = "visit", group = "web", event = "page_view", points = 0.5, cap = 6, decay = { half_life = "14d" } },
  { id = "docs", group = "web", event = "page_view", where = { field = "url", starts_with = "/docs" }, points = 1, decay = { per_month = 0.1 } },
  { id = "burst", group = "web", event = "page_view", points = 8, award = "once", at_least = 3, within = "14d", decay = "none" },
  { id = "comparison", group = "web", event = "competitor_comparison_view", points = 6, decay = { half_life = "14d" } },
  { id = "case_study", group = "content", event = "case_study_download", points = 5, decay = { half_life = "30d" } },
  { id = "download", group = "content", event = "content_download", points = 3, cap = 12, decay = { half_life = "30d" } },
  { id = "attended", group = "content", event = "webinar_attended", points = 6, decay = { half_life = "30d" } },
  { id = "registered", group = "content", event = "webinar_registered", points = 2, decay = { linear = "30d" } },
  { id = "reply", group = "mail", event = "email_reply", points = 5, decay = { half_life = "21d" } },
  { id = "click", group = "mail", event = "email_click", points = 1, at_least = 2, decay = { half_life = "14d" } },
  { id = "open", group = "mail", event = "email_open", points = 0.2, cap = 2, within = "30d", decay = "none" },
  { id = "usage", event = ["product_usage", "invite"], where = { field = "value", gte = 10 }, points = 2, cap = 16, decay = { half_life = "7d" } },
  { id = "job_seeker", event = ["careers_visit", "unsubscribe"], points = -5, cap = 20, decay = { half_life = "90d" } },
  { id = "gone_quiet", no_event_for = "60d", points = -5 },
]
multiply = [{ id = "demo_boost", event = "demo_request", within = "30d", group = "web", factor = 1.5, max_points = 15 }]
[model]
id = "forty_rules"
scale = { min = 0, max = 100 }
[suppress]
when = { field = "opted_out", is = true }
[group.role]
cap = 30
[group.company]
cap = 35
floor = -20
[group.hand_raise]
cap = 60
[group.web]
cap = 30
[group.content]
cap = 20
[group.mail]
cap = 10
[inactivity]
steps = [{ after = "30d", keep = 0.8 }, { after = "60d", keep = 0.56 }, { after = "180d", keep = 0.1 }]
[grade]
fit = { A = 40, B = 20, C = 0, else = "D" }
engagement = { "1" = 40, "2" = 15, "3" = 1, else = "4" }
"""  # noqa: E501 - one rule a line reads best


@dataclass(frozen=True)
class World:
    """Say where the files lie, how many rows they have, and who has a middling number of events."""

    folder: Path
    model: Path
    people: int
    events: int
    somebody: str


def make_world(folder: Path, *, people: int, events_per_person: float, seed: int) -> World:
    """Write people, accounts and events (clustered by person) as Parquet, and the model."""
    folder.mkdir(parents=True, exist_ok=True)
    model = folder / "forty_rules.toml"
    model.write_text(MODEL, encoding="utf-8")
    mu = math.log(events_per_person / (1 - SILENT_SHARE)) - SPREAD**2 / 2
    known: dict[str, float] = {
        "people": people,
        "accounts": max(1, people // PEOPLE_PER_ACCOUNT),
        "per_account": PEOPLE_PER_ACCOUNT,
    }
    known |= {"silent": SILENT_SHARE, "most": MOST_EVENTS, "mu": mu, "spread": SPREAD}
    with duckdb.connect() as session:
        session.execute("SET enable_progress_bar = false")
        session.execute(_MACROS.format(seed=seed, as_of=AS_OF.replace(tzinfo=None)))
        for name, select in (("accounts", _ACCOUNTS), ("people", _PEOPLE), ("events", _EVENTS)):
            target = literal(str(folder / f"{name}.parquet"))
            options = f"FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP_ROWS}"
            session.execute(f"COPY ({select.format(**known)}) TO {target} ({options})")
        return World(folder, model, people, *_counted(session, folder / "events.parquet"))


def _counted(session: duckdb.DuckDBPyConnection, events: Path) -> tuple[int, str]:
    relation = f"read_parquet({literal(str(events))})"
    wanted = "SELECT person_id FROM counted WHERE n >= 20 ORDER BY person_id LIMIT 1"
    told = session.execute(
        f"WITH counted AS (SELECT person_id, COUNT(*) AS n FROM {relation} GROUP BY 1) "  # noqa: S608 - the path is quoted
        f"SELECT (SELECT SUM(n) FROM counted), ({wanted})"
    ).fetchall()[0]
    return int(told[0]), str(told[1])
