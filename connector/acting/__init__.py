"""What scores lead to in the CRM: triggers, tasks, notices, lists, and their words."""
