#!/usr/bin/env python3
"""Prints where the time of one decode step goes, by kernel, from what Nsight Compute measured (`gpu/verify.sh --parts profile`).

    ncu --csv --metrics gpu__time_duration.sum ... | gpu/step_times.py

A step begins with the kernel `prepare`; the last whole one is taken. Times are of each kernel alone: nothing overlaps under ncu.
"""

import csv
import sys
from collections import defaultdict

UNITS = {"nsecond": 1e-3, "ns": 1e-3, "usecond": 1.0, "us": 1.0, "msecond": 1e3, "ms": 1e3}

launches = [
    (row["Kernel Name"].split("(")[0], float(row["Metric Value"].replace(",", "")) * UNITS[row["Metric Unit"]])
    for row in csv.DictReader(line for line in sys.stdin if line.startswith('"'))
]
begins = [i for i, (name, _) in enumerate(launches) if name == "prepare"]
if len(begins) < 2:
    sys.exit(f"{len(launches)} launches hold no whole step: skip fewer, or measure more of them")
step = launches[begins[-2] : begins[-1]]
times = defaultdict(list)
for name, micros in step:
    times[name].append(micros)
for name, micros in sorted(times.items(), key=lambda entry: -sum(entry[1])):
    print(f"{sum(micros):9.1f} us  {len(micros):4d} x {sum(micros) / len(micros):8.2f}  {name}")
print(f"{sum(micros for _, micros in step):9.1f} us  {len(step):4d} launches in a step")
