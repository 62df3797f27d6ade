"""`python -m kibitz.server` is the `kibitz` command."""

from kibitz.server.cli import main

if __name__ == "__main__":
    main()
