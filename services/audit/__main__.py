"""`python -m services.audit EXPORT --key KEY [--checkpoints FOLDER]`: exit status 0 if all is well, 1 if not."""

import argparse
import sys
from pathlib import Path

from services.audit.faults import Fault
from services.audit.verify import verify_archive_folder, verify_export_file, verify_receipt_file


def main() -> int:
    """Say in one line what was found."""
    about = "Verify an export, an archive or a receipt."
    parser = argparse.ArgumentParser(prog="python -m services.audit", description=about)
    parser.add_argument("file", type=Path, help="the export, the folder of an archive, or with --receipt the receipt")
    parser.add_argument("--key", type=Path, required=True, help="the public key of checkpoints")
    parser.add_argument("--checkpoints", type=Path, help="checkpoints kept elsewhere: a folder, or one file")
    parser.add_argument("--older", action="store_true", help="the export may be older than some checkpoints")
    parser.add_argument("--receipt", action="store_true", help="the file is a receipt")
    given = parser.parse_args()
    try:
        if given.receipt:
            print(verify_receipt_file(given.file, given.key, given.checkpoints))
        elif given.file.is_dir():
            print(verify_archive_folder(given.file, given.key, given.checkpoints))
        else:
            print(verify_export_file(given.file, given.key, given.checkpoints, given.older))
    except Fault as fault:
        print(f"not verified: {fault}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
