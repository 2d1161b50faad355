"""Lets `python -m scarlib` do what the `scarlib` command does."""

from scarlib.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
