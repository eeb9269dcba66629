"""The command line: python -m bn_helpers. It imports from the folder that it is started in; `bn-helpers` does not."""

import sys

from bn_helpers.cli import main

if __name__ == "__main__":
    sys.exit(main(imports_from=sys.path[0]))
