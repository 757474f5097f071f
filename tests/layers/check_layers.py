"""Enforces the layers: which folder may include which, and where foreign libraries may appear.

check_layers.py [ROOT]     0 when every #include keeps the rules, 1 with one line per breach.
check_layers.py --self-test    shows that each rule still finds a planted breach.

Includes are written from kernels/, from the repository root (proto/..., server/..., client/...), or
from server/ (formats/..., worker/...); a folder is recognised by its name wherever it stands.
"""

import re
import sys
from pathlib import Path

SUFFIXES = {".hpp", ".cpp", ".h", ".cu", ".cuh", ".inl"}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')

STAGES = {"coils", "phase", "mask", "background", "inversion", "simulate", "relaxometry", "metrics"}
KERNEL_FOLDERS = STAGES | {"device", "math", "pipeline"}
SERVER_FOLDERS = {"daemon", "store", "schedule", "security", "formats", "worker", "gateway", "config", "session",
                  "process", "monitoring"}

GRPC = re.compile(r"^(grpc|grpcpp|google/protobuf|absl|qsm/v1)/|\.pb\.h$")
FORMATS = re.compile(r"^(dcmtk|ismrmrd)/|^(nifti1(_io)?|hdf5|znzlib)\.h$|^(H5)")
STORES = re.compile(r"^(sqlite3\.h|spdlog/|CLI/|nlohmann/)")
CUDA = re.compile(r"^(cuda|cufft|cublas|cooperative_groups|thrust/|cub/|nvtx)|^device_launch")

# Which kernel folders a kernel folder may include, itself always among them.
KERNEL_MAY = {"device": {"device"}, "math": {"math", "device"}}
KERNEL_MAY |= {stage: {stage, "math", "device"} for stage in STAGES}
KERNEL_MAY["pipeline"] = KERNEL_FOLDERS
DEVICE_MAY_ALSO = {"math/complex.hpp"}

# Folders of server/ and client/: which server folders, and whether kernels or proto, they may include.
SERVER_MAY = {
    "config": {"config"},
    "process": {"process", "store"},
    "monitoring": {"monitoring", "store"},
    "daemon": {"daemon", "store", "process", "schedule", "security", "monitoring"},
    "store": {"store"},
    "schedule": {"schedule", "process", "store"},
    "security": {"security", "config", "store"},
    "formats": {"formats"},
    "worker": {"worker", "formats"},
    "session": {"session", "formats"},
    "gateway": {"gateway", "session", "formats", "config", "process", "store", "monitoring", "security"},
    "client": {"session", "formats"},
}
# The worker's `stage` command drives single stages from files.
KERNELS_ALLOWED = {"worker": {"pipeline", "device", "simulate", "metrics", "mask", "background",
                              "inversion", "relaxometry"}}
NO_FORMATS = {"daemon", "store", "schedule", "security", "monitoring"}


def target_folder(include, quoted):
    """('kernels'|'server'|'client', folder) an include leads to, or None for a foreign header."""
    parts = Path(include).parts
    if parts[0] in ("kernels", "server") and len(parts) > 2:
        return parts[0], parts[1]
    if len(parts) > 1 and parts[0] in KERNEL_FOLDERS:
        return "kernels", parts[0]
    if len(parts) > 1 and parts[0] in SERVER_FOLDERS:
        return "server", parts[0]
    if quoted and parts[0] == "client":
        return "client", "client"
    return None


def breach(top, folder, include, quoted):
    """Why `include` may not stand in a file of top/folder, or None."""
    where = target_folder(include, quoted)
    if top == "kernels":
        if GRPC.search(include) or FORMATS.search(include) or STORES.search(include):
            return "kernels are numerics only"
        if CUDA.search(include) and folder != "device":
            return "GPU headers belong to kernels/device"
        if where is None:
            return None
        if where[0] != "kernels":
            return "kernels know nothing of server and client"
        if include in DEVICE_MAY_ALSO or where[1] in KERNEL_MAY[folder]:
            return None
        return f"kernels/{folder} may not include kernels/{where[1]}"

    if CUDA.search(include):
        return "GPU headers belong to kernels/device"
    if folder in NO_FORMATS and FORMATS.search(include):
        return "the daemon parses no images"
    if where is None:
        return None
    if where[0] == "kernels" and where[1] not in KERNELS_ALLOWED.get(folder, ()):
        return f"{folder} may not include kernels/{where[1]}"
    if where[0] == "server" and where[1] not in SERVER_MAY[folder]:
        return f"{folder} may not include server/{where[1]}"
    if where[0] == "client" and folder != "client":
        return f"{folder} may not include client/"
    return None


def owner(path):
    """(top, folder) of a source file relative to the root, or None where no rule applies."""
    parts = path.parts
    if parts[0] == "client":
        return "client", "client"
    if parts[0] in ("kernels", "server") and len(parts) > 2:
        return parts[0], parts[1]
    return None


def check(root):
    breaches, files = [], 0
    for top in ("kernels", "server", "client"):
        for path in sorted((root / top).rglob("*")):
            relative = path.relative_to(root)
            if path.suffix not in SUFFIXES or owner(relative) is None:
                continue
            files += 1
            folder = owner(relative)[1]
            if folder not in KERNEL_MAY and folder not in SERVER_MAY:
                breaches.append(f"{relative}: the folder {top}/{folder} has no rule here")
                continue
            for number, line in enumerate(path.read_text().splitlines(), 1):
                if found := INCLUDE.match(line):
                    why = breach(top, folder, found[2], found[1] == '"')
                    if why:
                        breaches.append(f"{relative}:{number}: {found[2]}: {why}")
    return files, breaches


def self_test():
    planted = [
        ("kernels", "math", "google/protobuf/message.h"),
        ("kernels", "pipeline", "dcmtk/dcmdata/dctk.h"),
        ("kernels", "inversion", "thrust/sort.h"),
        ("kernels", "inversion", "background/vsharp.hpp"),
        ("kernels", "phase", "pipeline/options.hpp"),
        ("kernels", "math", "coils/combine.hpp"),
        ("kernels", "device", "math/stencil.hpp"),
        ("server", "daemon", "kernels/pipeline/options.hpp"),
        ("server", "store", "formats/container.hpp"),
        ("server", "schedule", "server/worker/claim.hpp"),
        ("server", "daemon", "dcmtk/dcmdata/dctk.h"),
        ("server", "formats", "daemon/config.hpp"),
        ("client", "client", "server/daemon/config.hpp"),
        ("client", "client", "pipeline/options.hpp"),
        ("server", "gateway", "daemon/server.hpp"),
        ("server", "worker", "session/upload.hpp"),
        ("server", "gateway", "client/progress.hpp"),
    ]
    fine = [
        ("kernels", "device", "math/complex.hpp"),
        ("kernels", "device", "thrust/sort.h"),
        ("kernels", "pipeline", "inversion/variational.hpp"),
        ("server", "worker", "pipeline/pipeline.hpp"),
        ("server", "daemon", "qsm/v1/job.pb.h"),
        ("client", "client", "server/formats/nifti.hpp"),
        ("server", "gateway", "session/upload.hpp"),
    ]
    missed = [case for case in planted if not breach(*case, True)]
    wrong = [case for case in fine if breach(*case, True)]
    for case in missed:
        print("not found:", *case)
    for case in wrong:
        print("wrongly refused:", *case)
    return not missed and not wrong


def main():
    if sys.argv[1:] == ["--self-test"]:
        return 0 if self_test() else 1
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[2])
    files, breaches = check(root)
    print("\n".join(breaches) or f"layers: {files} files keep the rules")
    return 1 if breaches or files == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
