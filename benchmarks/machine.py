"""The machine that a benchmark runs on."""

import os
import pathlib
import platform


def name():
    """Returns architecture, processor and cores as text."""
    processor = platform.processor()
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            processor = line.partition(": ")[2]
    return f"{platform.machine()}, {processor}, {os.cpu_count()} cores"
