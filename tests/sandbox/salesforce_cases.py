"""Which recordings are replayed, how their state is set up, and why others are not compared."""

from dataclasses import dataclass

CCI = "CumulusCI/cumulusci"
LOADS = f"{CCI}/tasks/bulkdata/tests/cassettes"
SHARED = f"{CCI}/tests/shared_cassettes"
UTILS = f"{CCI}/utils"
AMP = "amp-labs-connectors/providers/salesforce"
DB = "restforce-db/test/cassettes"
PY = "SalesforcePy/tests/fixtures"
RESTFORCE = "restforce/spec/fixtures"

NOT_OURS = (
    *("CleanStatus", "DunsNumber", "Jigsaw", "NaicsCode", "NaicsDesc", "RecordTypeId", "Tradestyle", "YearStarted"),
    "TotalOpportunityQuantity",
)


@dataclass(frozen=True)
class Step:
    """Replay one interaction of a file.

    mirror: make the recorded answer's records first. without: fields this org does not have, taken out of the request.
    apart: keys not compared. subset: recorded keys may be missing.
    """

    index: int = 0
    mirror: bool = False
    without: tuple[str, ...] = ()
    apart: frozenset[str] = frozenset()
    subset: bool = False


def steps(*indexes: int) -> list[Step]:
    """Replay interactions as they are."""
    return [Step(index) for index in indexes]


def mirrored(index: int) -> Step:
    """Replay a query whose answer tells the state it needs."""
    return Step(index, mirror=True, without=NOT_OURS)


CREATED_SINCE_V46 = frozenset({"created"})
LATER_RESOURCES = frozenset({"composite", "jobs"})
STALE_COUNT = frozenset({"count"})

FLOWS: dict[str, list[Step]] = {
    f"{CCI}/core/tests/cassettes/TestDatasetsE2E.test_datasets_e2e.yaml": [
        mirrored(3),
        Step(0),
        Step(2, apart=STALE_COUNT),
        Step(13, without=NOT_OURS),
    ],
    f"{CCI}/core/tests/cassettes/TestDatasetsE2E.test_datasets_extract_standard_objects.yaml": [
        mirrored(8),
        Step(10),
        Step(11, without=NOT_OURS),
        Step(12),
        Step(13, without=NOT_OURS),
    ],
    f"{LOADS}/TestSelect.test_select_random_strategy.yaml": [mirrored(20), *steps(21, 22)],
    f"{LOADS}/TestSelect.test_select_similarity_select_and_insert_strategy.yaml": [
        mirrored(24),
        *steps(25, 26, 27, 28, 29, 30),
    ],
    f"{LOADS}/TestSelect.test_select_similarity_select_and_insert_strategy_bulk.yaml": [Step(32, mirror=True)],
    f"{LOADS}/TestSelect.test_select_similarity_strategy.yaml": [mirrored(20), *steps(21)],
    f"{LOADS}/TestSnowfakery.test_snowfakery_query_salesforce.yaml": steps(2),
    f"{LOADS}/TestUpdatesIntegrationTests.test_updates_task.yaml": [mirrored(2), *steps(4)],
    f"{LOADS}/TestUpsert.test_upsert__rest.yaml": steps(8, 10, 12, 13, 23, 25, 26),
    f"{LOADS}/TestUpsert.test_upsert_complex_external_id_field__rest.yaml": [
        *steps(7, 9),
        Step(6, apart=STALE_COUNT),
        *steps(11, 13, 14, 15, 17, 25, 28, 36, 38, 40, 41),
    ],
    f"{LOADS}/TestUpsert.test_upsert_complex_external_id_field_rest__duplicate_error.yaml": steps(
        7, 9, 11, 13, 15, 17, 18, 26
    ),
    f"{LOADS}/TestUpsert.test_upsert_complex_fields__bulk.yaml": [*steps(4, 5, 12, 13), mirrored(18)],
    f"{LOADS}/TestUpsert.test_upsert_external_id_field.yaml": [mirrored(24), mirrored(25), mirrored(54)],
    f"{SHARED}/GET_sobjects_Organization.yaml": [Step(subset=True)],
    f"{UTILS}/http/tests/cassettes/TestCompositeParallelSalesforce.test_composite_parallel_salesforce.yaml": [
        Step(0),
        Step(1, apart=frozenset({"ETag"})),
    ],
    f"{UTILS}/http/tests/cassettes/TestCompositeParallelSalesforce.test_errors.yaml": steps(0),
    f"{UTILS}/http/tests/cassettes/TestCompositeParallelSalesforce.test_reference_ids.yaml": steps(0, 1),
    f"{UTILS}/salesforce/tests/cassettes/TestCountSObjects.test_count_sobjects__errors.yaml": [
        Step(apart=frozenset({"totalSize"})),
    ],
    f"{UTILS}/salesforce/tests/cassettes/TestCountSObjects.test_count_sobjects_simple.yaml": [
        Step(apart=frozenset({"totalSize"})),
    ],
    f"{DB}/Associations_HasMany-with_an_inverse_mapping-_build-builds_a_number_of_associated_records_from_the_data_in"
    "_Salesforce.yml": steps(1, 6, 9),
    f"{DB}/Cleaner-_run-given_a_synchronized_Salesforce_record-when_the_record_has_been_deleted_in_Salesforce-drops_the"
    "_synchronized_database_record.yml": steps(1, 2),
    f"{DB}/Collector-_run-given_an_existing_Salesforce_record-which_has_been_synchronized-returns_the_attributes_from"
    "_the_Salesforce_record.yml": [*steps(1, 3), mirrored(4), Step(5, subset=True, apart=LATER_RESOURCES), Step(7)],
    f"{DB}/Collector-_run-when_the_record_has_not_been_updated_outside_of_the_system-does_not_collect_any_changes"
    ".yml": [Step(1), mirrored(3), Step(4)],
    f"{DB}/Instances_Salesforce-_updated_internally_-when_another_user_made_the_last_change-returns_false.yml": [
        Step(1, subset=True, apart=LATER_RESOURCES)
    ],
    f"{DB}/Instances_Salesforce-_updated_internally_-when_our_client_made_the_last_change-returns_true.yml": steps(
        1, 3, 6
    ),
    f"{DB}/RecordTypes_Salesforce-_all-returns_a_list_of_the_existing_records_in_Salesforce.yml": [
        Step(1),
        mirrored(3),
        Step(4),
    ],
    f"{DB}/RecordTypes_Salesforce-_create_-wipes_the_temporary_SynchronizationId__c_value_used_for_upsert.yml": [
        Step(2, apart=CREATED_SINCE_V46),
        *steps(3, 4, 5),
    ],
    f"{DB}/RecordTypes_Salesforce-_find-given_a_set_of_mapping_conditions-when_a_record_meets_the_conditions-finds_the"
    "_record.yml": steps(1, 3, 4),
    f"{DB}/RecordTypes_Salesforce-_find-returns_nil_when_no_matching_record_exists.yml": steps(2),
    f"{DB}/Worker-a_race_condition_during_synchronization-overrides_the_stale-but-more-recent_name_on_the_Salesforce"
    ".yml": [Step(2), Step(3, apart=CREATED_SINCE_V46), *steps(4, 5, 6, 7, 8, 11, 12, 13, 14)],
}

DESCRIBES = {
    f"{SHARED}/GET_sobjects_{name}_describe.yaml": name
    for name in ("Lead", "Contact", "Account", "Event", "Opportunity", "OpportunityContactRole")
}
FEATURED = {  # of an org that has what the sandbox's has after POST /control/org
    f"{CCI}/tests/cassettes/GET_sobjects_Account_PersonAccount_describe.yaml": (
        "Account",
        {"person_accounts": True, "record_types": {"Account": ["Business", "Person"]}},
    )
}
LOGINS = (f"{PY}/soap_login_response_200.xml", f"{PY}/soap_login_response_500.xml")  # test_salesforce_soap.py
GLOBAL_DESCRIBE = f"{SHARED}/GET_sobjects_Global_describe.yaml"

EDITED = "edited by hand after recording"
METADATA = "the Metadata API is not in this sandbox, nor used: fields are made by the Tooling API"
BULK_ONE = "a template of Bulk API 1 answers; this sandbox has Bulk API 2.0"
CHANGE_EVENTS = "change data capture events are not in this sandbox"
INPUT_ONLY = "a request body or file sent, not an answer; it is what a compared case sends"
OLD_OBJECT = "an object or API version that this sandbox does not have"
OTHER_RESOURCE = "a resource outside this sandbox: search, list views, recent items, files, log-out, refresh tokens"
FROM_DOCUMENTATION = "written by hand from documentation of API versions 20 to 26, with made-up objects"
NO_BODY = "made up by its authors, who test a missing body"

NOT_COMPARED: dict[str, str] = {
    f"{SHARED}/vcr_string_templates/batchInfoList_xml.tpl": BULK_ONE,
    f"{SHARED}/vcr_string_templates/batchInfo_xml.tpl": BULK_ONE,
    f"{SHARED}/vcr_string_templates/jobInfo_insert_xml.tpl": BULK_ONE,
    f"{SHARED}/vcr_string_templates/jobInfo_upsert_xml.tpl": BULK_ONE,
    f"{UTILS}/http/tests/cassettes/ManualEditTestCompositeParallelSalesforce.test_http_headers.yaml": EDITED,
    f"{UTILS}/salesforce/tests/cassettes/ManualEdit_TestCountSObjects.test_count_sobjects__network_errors.yaml": EDITED,
    f"{UTILS}/tests/cassettes/ManualEditTestDescribeOrg.test_minimal_schema.yaml": EDITED,
    f"{UTILS}/tests/cassettes/ManualEdit_test_describe_to_sql.yaml": EDITED,
    f"{AMP}/internal/crm/metadata/test/err-bad-request.xml": METADATA,
    f"{AMP}/internal/crm/metadata/test/success.xml": METADATA,
    **{
        f"{AMP}/test/metadata/{name}": METADATA
        for name in (
            "delete/delete-field-not-found.xml",
            "delete/delete-fields-payload.xml",
            "delete/delete-fields-response.xml",
            "write/object15/bad-request.xml",
            "write/object15/mix-of-many-fields-payload.xml",
            "write/object15/mix-of-many-fields-response.xml",
            "write/read-field-permissions-payload.xml",
            "write/read-field-permissions-response.xml",
            "write/write-field-permissions-payload.xml",
            "write/write-field-permissions-response.xml",
        )
    },
    **{
        f"{AMP}/test/metadata/read/{name}": "a composite answer whose describes its authors cut; the adapter reads it"
        for name in ("accounts-sampled.json", "custom-object-with-custom-fields.json", "organization-sampled.json")
    },
    f"{AMP}/test/metadata/write/user-info.json": "its authors cut the answer short",
    f"{AMP}/test/batch/create/contacts/payload.json": INPUT_ONLY,
    f"{AMP}/test/batch/update/contacts/payload.json": INPUT_ONLY,
    "amp-labs-connectors/test/salesforce/bulk/write/opportunities-complete-failure.csv": INPUT_ONLY,
    "amp-labs-connectors/test/salesforce/bulk/write/opportunities-partial-failure.csv": INPUT_ONLY,
    f"{AMP}/test/success-with-errors.json": "a single-record answer with errors inside a success: no request is known",
    **{
        f"{AMP}/test/subscription/{name}.json": CHANGE_EVENTS
        for name in (
            "new_account",
            "update_contact",
            "update_contact_compound_address",
            "update_lead_compound_address",
            "update_user",
        )
    },
    f"{PY}/api_version_response_500.json": NO_BODY,
    f"{PY}/describe_response_200.json": OLD_OBJECT,
    **{f"{PY}/insert_blob_response_{name}.json": OTHER_RESOURCE for name in ("201", "400", "no_body")},
    f"{PY}/login_response_401.json": "a session error under the login's address, made up by its authors",
    f"{PY}/login_response_no_body.json": NO_BODY,
    f"{PY}/logout_response_200.json": OTHER_RESOURCE,
    f"{PY}/logout_response_500.json": OTHER_RESOURCE,
    f"{PY}/query_more_multibatch_1_no_body.json": NO_BODY,
    f"{PY}/query_sobj_row_response_no_body.json": NO_BODY,
    f"{PY}/search_response_200.json": OTHER_RESOURCE,
    f"{PY}/upsert_existing_record_response_204.json": "version 37 answers 204, version 46 and later 200 with a body",
    **{
        f"{RESTFORCE}/{name}.json": OTHER_RESOURCE
        for name in ("reauth_success_response", "refresh_error_response", "refresh_success_response")
    },
    f"{RESTFORCE}/auth_error_response.json": "an older wording; the documented one is answered",
    f"{RESTFORCE}/auth_success_response.json": "an older login answer without token_type",
    f"{RESTFORCE}/services_data_success_response.json": "written by hand, with a version that never was",
    **{
        f"{RESTFORCE}/sobject/{name}.json": OTHER_RESOURCE
        for name in (
            "list_view_results_success_response",
            "recent_success_response",
            "search_error_response",
            "search_success_response",
        )
    },
    **{
        f"{RESTFORCE}/sobject/{name}.json": FROM_DOCUMENTATION
        for name in (
            "create_success_response",
            "describe_sobjects_success_response",
            "list_sobjects_success_response",
            "org_query_response",
            "query_aggregate_success_response",
            "query_empty_response",
            "query_error_response",
            "query_paginated_first_page_response",
            "query_paginated_last_page_response",
            "query_success_response",
            "sobject_describe_success_response",
            "sobject_find_error_response",
            "sobject_find_success_response",
            "sobject_select_success_response",
            "upsert_created_success_response",
            "upsert_updated_success_response",
            "delete_error_response",
        )
    },
}
