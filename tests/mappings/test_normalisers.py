"""Industries, sizes, revenues and channels as vendors, forms and people write them."""

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.lists import PACKAGED, load_table, load_words, open_lists
from mappings.loader import load_mapping
from mappings.normal.amounts import amount_range
from mappings.normal.words import fold
from mappings.read import to_canonical
from mappings.transforms import READS, TRANSFORMS, bound


def read(name: str, text: str) -> object:
    return bound(name, PACKAGED)(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("COMPUTER_SOFTWARE", "software"),  # HubSpot
        ("INFORMATION_TECHNOLOGY_AND_SERVICES", "it_services"),
        ("HOSPITAL_HEALTH_CARE", "healthcare"),
        ("LOGISTICS_AND_SUPPLY_CHAIN", "transport_logistics"),
        ("NON_PROFIT_ORGANIZATION_MANAGEMENT", "nonprofit"),
        ("Not For Profit", "nonprofit"),  # Salesforce
        ("Food & Beverage", "consumer_goods"),
        ("Communications", "telecommunications"),
        ("Shipping", "transport_logistics"),
        ("Software Development", "software"),  # LinkedIn
        ("IT Services and IT Consulting", "it_services"),
        ("Electrical/Electronic Manufacturing", "hardware_electronics"),
        ("Mechanical or Industrial Engineering", "manufacturing"),
        ("Maschinenbau", "manufacturing"),  # people
        ("Öffentliche Verwaltung", "government"),
        ("Bâtiment", "construction"),
        ("Seguros", "insurance"),
        ("Versicherungen", "insurance"),
        ("Servizi finanziari", "financial_services"),
        ("Bouw", "construction"),
        ("541512", "it_services"),  # NAICS
        ("NAICS 622110", "healthcare"),
        ("52", "financial_services"),
        ("524210", "insurance"),
        ("NAICS: 5112", "software"),
        ("7372", "software"),  # SIC
        ("SIC 6021", "financial_services"),
        ("3711 - Motor Vehicles", "automotive"),
        ("Wizardry", None),
        ("Other", None),
        ("99", None),
    ],
)
def test_industry_class(text: str, expected: str | None) -> None:
    assert read("industry_class", text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("137", "51-200"), ("51-200", "51-200"), ("51–200 employees", "51-200"), ("200-500", "201-500"),
        ("10,001+", "10001+"), ("10.001+", "10001+"), ("1 000 – 5 000", "1001-5000"), ("1'200", "1001-5000"),
        ("< 10", "1-10"), ("über 1000 Mitarbeiter", "1001-5000"), ("500+", "501-1000"),
        ("2-10", "1-10"), ("0", None), ("many", None), ("12.5", "11-50"),
    ],
)  # fmt: skip
def test_employees_band(text: str, expected: str | None) -> None:
    assert read("employees_band", text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("25000000", "10M-50M"), ("$10M–$50M", "10M-50M"), ("$10M - $50M", "10M-50M"), ("1,5 Mio. EUR", "1M-10M"),
        ("1.500.000,00 €", "1M-10M"), ("1,500,000.00", "1M-10M"), ("> $1 billion", "1B-10B"), ("$1B+", "1B-10B"),
        ("2 Mrd.", "1B-10B"), ("3 milliards d'euros", "1B-10B"), ("under $1M", "0-1M"), ("100K - 500K", "0-1M"),
        ("2.5e7", "10M-50M"), ("unknown", None),
    ],
)  # fmt: skip
def test_revenue_band(text: str, expected: str | None) -> None:
    assert read("revenue_band", text) == expected


@given(st.integers(0, 10**12), st.sampled_from((",", ".", " ", "'", "\u202f", "")))
def test_a_number_is_read_with_any_thousands_mark(number: int, mark: str) -> None:
    assert amount_range(f"{number:,}".replace(",", mark)) == (number, number)


@given(st.text())
def test_no_text_breaks_a_normaliser(text: str) -> None:
    for name in TRANSFORMS:
        bound(name, PACKAGED)(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("||ORGANIC_SEARCH|google", "organic_search"),  # HubSpot
        ("||PAID_SEARCH|brand campaign", "paid_search"),
        ("||SOCIAL_MEDIA|LinkedIn", "organic_social"),
        ("||PAID_SOCIAL|Facebook", "paid_social"),
        ("||EMAIL_MARKETING|", "email"),
        ("||REFERRALS|blog.example", "referral"),
        ("||DIRECT_TRAFFIC|", "direct"),
        ("||OFFLINE|CRM_UI", None),
        ("||OFFLINE|EMAIL_INTEGRATION", None),
        ("||OTHER_CAMPAIGNS|", None),
        ("Partner Referral", "partner"),  # Salesforce
        ("Employee Referral", "referral"),
        ("Purchased List", "outbound"),
        ("Trade Show", "event"),
        ("Web", None),
        ("Other", None),
        ("cpc|google|Web", "paid_search"),  # hidden fields
        ("cpc|facebook|Web", "paid_social"),
        ("paid-social|linkedin|", "paid_social"),
        ("organic|bing", "organic_search"),
        ("email|newsletter-42", "email"),
        ("(none)|(direct)", "direct"),
        ("(not set)|(not set)", None),
        ("https://acme.example/?utm_source=google&utm_medium=cpc", "paid_search"),
        ("https://acme.example/?gclid=x1", "paid_search"),
        ("https://google.example/search", None),
        ("Agency: booked meeting, cold call", "agency_booked_meeting"),
        ("Outbound|Appointment setting agency", "agency_booked_meeting"),
        ("Cold Call", "outbound"),
        ("Messe Hannover", "event"),
        ("Empfehlung", "referral"),
        ("something else", None),
    ],
)
def test_source_class(text: str, expected: str | None) -> None:
    assert read("source_class", text) == expected


@pytest.mark.parametrize("table", ["industry", "source", "seniority", "department"])
def test_a_phrase_means_one_thing(table: str) -> None:
    seen: dict[str, str] = {}
    for meaning, words in load_words(table).items():
        for word in words:
            assert seen.setdefault(fold(word), meaning) == meaning, word


def test_codes_name_industries_that_words_name_too() -> None:
    names = set(load_words("industry"))
    assert all(set(table) <= names for table in load_table("industry_codes").values())


TITLES = [
    ("Amministratore Delegato", "c_level", "executive"), ("Responsabile Acquisti", "manager", "purchasing"),
    ("Direttore Vendite", "director", "sales"), ("Algemeen directeur", "c_level", "executive"),
    ("Teamleider Inkoop", "manager", "purchasing"), ("Hoofd Marketing", "director", "marketing"),
    ("VD", "c_level", "executive"), ("Försäljningschef", "director", "sales"), ("Inköpare", "staff", "purchasing"),
    ("Administrerende direktør", "c_level", "executive"), ("Salgschef", "director", "sales"),
    ("Projektleder", "manager", None), ("Toimitusjohtaja", "c_level", "executive"),
    ("Prezes Zarządu", "c_level", "executive"), ("Kierownik ds. zakupów", "manager", "purchasing"),
    ("Księgowa", "staff", "finance"), ("Генеральный директор", "c_level", "executive"),
    ("Genel Müdür", "c_level", "executive"), ("Geschäftsleitung", "c_level", "executive"),
    ("Directrice commerciale", "director", "sales"), ("Wizard", None, None),
]  # fmt: skip


@pytest.mark.parametrize(("title", "level", "department"), TITLES)
def test_titles_in_many_languages(title: str, level: str | None, department: str | None) -> None:
    assert (read("seniority", title), read("department", title)) == (level, department)


def test_a_folder_adds_words_and_replaces_lists(tmp_path: Path) -> None:
    (tmp_path / "seniority.toml").write_text('c_level = ["Wizard"]\nmanager = ["director"]\n', encoding="utf-8")
    (tmp_path / "competitors.txt").write_text("nemesis.com\n", encoding="utf-8")
    lists = open_lists(tmp_path)
    level, kind = bound("seniority", lists), bound("email_class", lists)
    assert (level("Wizard"), level("Sales Director"), level("CEO")) == ("c_level", "manager", "c_level")
    assert (kind("a@nemesis.com"), kind("a@rival-crm.example")) == ("competitor", "business")
    rows = pa.table({"Id": ["00Q1"], "Title": ["Wizard"], "Email": ["a@x.nemesis.com"]})
    (person,) = to_canonical(load_mapping("salesforce", lists), "Lead", rows)["people"].to_pylist()
    assert (person["seniority"], person["email_class"]) == ("c_level", "competitor")


def test_another_word_reads_the_objects_again_that_it_concerns(tmp_path: Path) -> None:
    before = load_mapping("salesforce")
    assert load_mapping("salesforce", open_lists(tmp_path)).read["Lead"].hash == before.read["Lead"].hash
    (tmp_path / "seniority.toml").write_text('c_level = ["Wizard"]\n', encoding="utf-8")
    after = load_mapping("salesforce", open_lists(tmp_path))
    assert after.read["Lead"].hash != before.read["Lead"].hash
    assert after.read["Account"].hash == before.read["Account"].hash
    assert after.read["Task"].hash == before.read["Task"].hash


def test_other_content_of_a_folder_is_other_lists(tmp_path: Path) -> None:
    words = tmp_path / "seniority.toml"
    words.write_text('c_level = ["Wizard"]\n', encoding="utf-8")
    assert bound("seniority", open_lists(tmp_path))("Wizard") == "c_level"
    words.write_text('staff = ["Wizard"]\n', encoding="utf-8")
    assert bound("seniority", open_lists(tmp_path))("Wizard") == "staff"


@pytest.mark.parametrize("text", ["c_level = 'ceo'", "c_level = [1]", "not toml"])
def test_a_broken_table_is_an_error(text: str, tmp_path: Path) -> None:
    (tmp_path / "seniority.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"seniority\.toml: "):
        open_lists(tmp_path)


def test_every_list_that_a_transform_reads_is_there() -> None:
    empty = PACKAGED.version([])
    assert all(PACKAGED.version([name]) != empty for names in READS.values() for name in names)
