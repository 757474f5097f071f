"""Counts the tests on measured data in a ctest report: count_real_data.py JUNIT.xml [--all]

Such a test prints a line that begins with "real data:", whether it runs or skips. With --all a
skipped one makes the exit status 1.
"""

import re
import sys
import xml.etree.ElementTree as ElementTree

run, skipped = [], []
for case in ElementTree.parse(sys.argv[1]).getroot().iter("testcase"):
    if re.search(r"^(.*: )?real data:", case.findtext("system-out") or "", re.MULTILINE):
        (skipped if case.find("skipped") is not None else run).append(case.get("name"))
print(f"real data: {len(run)} run, {len(skipped)} skipped")
if "--all" in sys.argv and skipped:
    print("QSM_TEST_DATA was given, so none may skip:", *skipped, sep="\n  ")
    sys.exit(1)
