"""The pages of the sandbox's CRMs that a sales person looks at: a record, and a list of records."""
