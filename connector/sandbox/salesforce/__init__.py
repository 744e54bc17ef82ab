"""An independent reading of the Salesforce wire, for the sandbox."""
