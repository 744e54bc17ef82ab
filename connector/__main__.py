"""`python -m connector` is the command `leadlight`."""

from connector.cli import main

if __name__ == "__main__":
    main()
