"""The command line: python -m bn_helpers."""

import sys

from bn_helpers.cli import main

if __name__ == "__main__":
    sys.exit(main())
