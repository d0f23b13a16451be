"""`python -m ffgen_cli` is `ffgen`."""

from ffgen_cli.main import main

if __name__ == "__main__":
    main()
