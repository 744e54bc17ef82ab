"""What vendors know of people and accounts: every observation kept, and one of them chosen for each attribute."""
