"""Whether training files hold items of the tasks, and what a run is worth without those that they hold."""

from rmbench.contamination.removing import overlapping, without
from rmbench.contamination.report import Overlap, Place, Report, ScannedFile, ScannedTask, read_report, write_report
from rmbench.contamination.scanning import scan

__all__ = [
    "Overlap",
    "Place",
    "Report",
    "ScannedFile",
    "ScannedTask",
    "overlapping",
    "read_report",
    "scan",
    "without",
    "write_report",
]
