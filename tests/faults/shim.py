"""A daemon whose calls to the system go through fault_shim.cpp."""

import os
from pathlib import Path

from chistream_harness import BIN, Server


class ShimmedServer(Server):
    """Records to `record`; faults are files in `faults`."""

    def __init__(self, folder, *options, sync=True, **more):
        super().__init__(folder, *options, **more)
        self.record, self.faults = folder / "record", folder / "faults"
        self.faults.mkdir(exist_ok=True)
        self.sync = sync

    def start(self):
        shim = {"LD_PRELOAD": str(BIN / "libfault_shim.so"), "SHIM_SPOOL": str(self.spool),
                "SHIM_RECORD": str(self.record), "SHIM_FAULTS": str(self.faults)}
        if not self.sync:
            shim["SHIM_NO_SYNC"] = "1"
        os.environ.update(shim)
        try:
            return super().start()
        finally:
            for name in shim:
                del os.environ[name]

    def fault(self, name, content):
        (self.faults / f".{name}").write_text(content)
        (self.faults / f".{name}").rename(self.faults / name)

    def mend(self, name):
        (self.faults / name).unlink()

    def unsynced_at(self, when_ns):
        """What was written or created and not yet synced at the last send before `when_ns`.

        The shared-memory index of the journal is no content; every start makes it anew.
        """
        dirty, at_last_send = set(), None
        for line in self.record.read_text().splitlines():
            at, what, path = line.split(" ", 2)
            if int(at) > when_ns:
                break
            name, parent = Path(path).name, str(Path(path).parent)
            if what == "write" and not name.endswith("-shm"):
                dirty.add(path)
            elif what == "create" and not name.endswith(("-shm", ".sock")):
                dirty.add(f"entry {name} in {parent}")
            elif what == "sync":
                dirty.discard(path)
            elif what == "dirsync":
                dirty -= {entry for entry in dirty if entry.endswith(f" in {path}")}
            elif what == "send":
                at_last_send = set(dirty)
        assert at_last_send is not None, "nothing was sent"
        return at_last_send
