"""The `daylong` command of this checkout: `python -m tests.faults.daylong run …`."""

from flows.cli.main import main

if __name__ == "__main__":
    main()
