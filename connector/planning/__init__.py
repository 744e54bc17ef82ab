"""The plan stage: scores beside what the CRM holds, and what follows from the difference."""
