"""The data folder belongs to the account that Parley runs under, and to nobody else on the machine.

It holds the keys, and in the embedded installation the database with everybody's messages and sealed tokens. Without a
umask of its own a process leaves such files readable for every local account.
"""

import contextlib
import os
import stat
from pathlib import Path

EVERYBODY = stat.S_IRWXO
OTHERS = stat.S_IRWXG | stat.S_IRWXO
OURS = ("*.env", "*.sqlite3*", "*.json", "run.lock")


def keep_private(folder: Path) -> None:
    """Close a data folder that everybody may look into, and the files of ours in it; make it when it is not there.

    A folder that an operator opened to a group alone (a backup's, say) stays as it is, and so do folders that belong to
    somebody else, are shared by design (``/tmp``) or lie on a disk that cannot be written to.
    """
    with contextlib.suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.stat()
        if found.st_uid != os.geteuid() or found.st_mode & stat.S_ISVTX or not found.st_mode & EVERYBODY:
            return
        folder.chmod(stat.S_IMODE(found.st_mode) & ~OTHERS)
        for pattern in OURS:
            for file in folder.glob(pattern):
                with contextlib.suppress(OSError):  # a database's journal comes and goes
                    file.chmod(stat.S_IMODE(file.stat().st_mode) & ~OTHERS)
