"""The priority in the CRM: sorted by it alone, the people to call come first."""

from tests.loop.loops import Loop


def test_reps_sort_by_a_field_of_the_crm(synced: Loop) -> None:
    name = "Leadlight_Priority__c" if synced.crm == "salesforce" else "leadlight_priority"
    people = [person["fields"] for person in synced.people().values() if person["fields"].get(name) is not None]
    called = sorted(people, key=lambda fields: -float(fields[name]))
    bands = [fields[synced.words.band] for fields in called]
    assert bands == sorted(bands, key=["hot", "warm", "cold"].index)
    assert {"hot", "cold"} <= set(bands)
    assert all(float(fields[name]) % 100 == float(fields[synced.words.score]) for fields in called)
