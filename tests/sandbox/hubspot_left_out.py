"""The recordings that are not compared as answers: requests alone, and what we do not use, each with its reason."""

from tests.sandbox.hubspot_recordings import BODIES, CASSETTES

LEGACY = "holds calls of versions 1 and 2 alone, which are not served"
CAMPAIGNS = "campaigns are not read: which mail or page belongs to one names nobody's activity"
MAILS = "marketing mails: what becomes of them is read from events, their texts and settings are not read"
REQUEST = "a request body, sent by another case"
NOT_COMPARED = {
    f"{CASSETTES}/Hubspot_Contact_create_with_an_existing_email_address_raises_an_error.yml": LEGACY,
    f"{CASSETTES}/Hubspot_Contact_create_with_an_invalid_email_address_raises_an_error.yml": LEGACY,
    f"{CASSETTES}/Hubspot_Contact_merge_with_valid_contact_ids_succeeds.yml": LEGACY,
    f"{BODIES}/internal/associations/test/contacts-schema-resp.json": "the schemas API is not asked: properties are",
    f"{BODIES}/test/metadata-err-schemas-scope.json": "a 403 of the schemas API, which is not asked",
    f"{BODIES}/test/batch/read/campaigns/multi-207.json": CAMPAIGNS,
    f"{BODIES}/test/batch/read/campaigns/ok-200.json": CAMPAIGNS,
    **{
        f"{BODIES}/test/read/campaigns/{name}.json": CAMPAIGNS
        for name in ("1-first-page", "2-last-page", "influenced-contacts", "marketing-email-assets-2-page")
    },
    **{
        f"{BODIES}/test/custom/{name}.json": REQUEST
        for name in (
            *("create/1-payload-create-property-group", "create/3-payload-batch-create-properties"),
            *("update/2-payload-batch-create-properties", "update/4-payload-update-property-age"),
            "update/6-payload-update-property-interests",
        )
    },
    f"{BODIES}/test/read-via-search/campaigns-response.json": CAMPAIGNS,
    f"{BODIES}/test/read/marketing-emails/1-first-page.json": MAILS,
    f"{BODIES}/test/read/marketing-emails/2-last-page.json": MAILS,
    f"{BODIES}/test/read/meeting-links.json": "meeting links are not read: meetings are, once they are booked",
    f"{BODIES}/test/read-via-search/contacts-payload.json": REQUEST,
}
SENT_ALONE = [
    f"{BODIES}/test/read/objects-api/contacts-req-payload-since-until.json",
    f"{BODIES}/test/read/objects-api/contacts-req-payload-since.json",
    f"{BODIES}/test/read/objects-api/contacts-req-payload-until.json",
]
