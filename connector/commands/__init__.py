"""What each command does; the command line in cli.py only reads its words."""
