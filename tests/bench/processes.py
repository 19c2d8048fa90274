"""What processes use, as Linux counts it: CPU seconds and resident memory of a process and its descendants."""

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def family(pid: int) -> set[int]:
    """The process and all that descend from it now."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        fields = _fields(int(path.parent.name))
        if fields:
            parents[int(path.parent.name)] = int(fields[1])
    found, size = {pid}, 0
    while size != len(found):
        size = len(found)
        found |= {child for child, parent in parents.items() if parent in found}
    return found


def cpu_seconds(pid: int) -> float:
    """User and system time of the process and its descendants, with those children that ended and were waited for."""
    total = 0
    for each in family(pid):
        fields = _fields(each)
        if fields:
            # Of children only the process that waited for them knows.
            total += sum(int(field) for field in fields[11:15])
    return total / _TICKS


def resident_bytes(pid: int) -> int:
    """Resident memory of the process itself."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE


def _fields(pid: int) -> list[str]:
    """What stands in /proc/PID/stat behind the name; empty when the process has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
