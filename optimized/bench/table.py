#!/usr/bin/env python3
"""Measures what a sync-to-sync call costs and prints it as the table of optimized/README.md.

    optimized/bench/table.py [NAME=libwasmtime.so …]

Builds adapter_bench in build/release. Times are CPU time, the median of 10 repetitions in random order, all in one process,
with the loop of a plain C++ call beside them. Instructions are those that callgrind counts, by difference of two lengths
of the loop (without valgrind the column is empty). Each NAME=PATH is a Wasmtime that runs the same loop, compiled from a
component: NAME is its version, the file is in PyPI's wheel `wasmtime`. LOCKSTEP_BUILD names another build directory.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("LOCKSTEP_BUILD", ROOT / "build/release"))
PROGRAM = BUILD / "adapter_bench"
REPETITIONS = 10
VARIANTS = {
    "no-concurrency": "concurrency support off: no tasks",
    "concurrency": "concurrency support on",
    "context": "… and the components import `context.get`",
}


def build():
    if not (BUILD / "build.ninja").is_file():
        subprocess.run(["cmake", "--preset", "release"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "-C", BUILD, "adapter_bench"], check=True, stdout=subprocess.DEVNULL)


def times(wasmtimes):
    """Returns ({benchmark: median nanoseconds of one call}, context)."""
    environment = dict(os.environ, LOCKSTEP_WASMTIMES=" ".join(wasmtimes))
    run = subprocess.run(
        [PROGRAM, f"--benchmark_repetitions={REPETITIONS}", "--benchmark_enable_random_interleaving=true",
         "--benchmark_min_time=0.02", "--benchmark_format=json"],
        check=True, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )
    report = json.loads(run.stdout)
    calls = int(report["context"]["calls"])
    medians = {}
    for b in report["benchmarks"]:
        if b.get("error_occurred"):
            raise SystemExit(f"{b['run_name']}: {b['error_message']}")
        if b.get("aggregate_name") == "median":
            medians[b["run_name"]] = b["cpu_time"] / calls
    return medians, report["context"]


def instructions(row):
    """Returns how many instructions one call of a row takes, or None without valgrind."""
    if not shutil.which("valgrind"):
        return None
    counted = []
    for calls in (1_000, 11_000):
        with tempfile.NamedTemporaryFile() as out:
            run = subprocess.run(
                ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out.name}", PROGRAM, "--count", row, str(calls)],
                check=True, capture_output=True, text=True,
            )
        counted.append(int(re.search(r"Collected : (\d+)", run.stderr)[1]))
    return (counted[1] - counted[0]) / 10_000


def main():
    wasmtimes = sys.argv[1:]
    if any("=" not in w for w in wasmtimes):
        sys.exit(__doc__)
    build()
    listed = subprocess.run([PROGRAM, "--rows"], check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    rows = [line.split("\t") for line in listed]
    counted = {name: instructions(name) for name, _, _ in rows}
    medians, context = times(wasmtimes)
    plain = medians["plain"]

    print(f"{context['num_cpus']} cores of {context['mhz_per_cpu']} MHz, load {context['load_avg'][0]:.1f}\n")
    print("| call | ns | of a plain call | instructions |\n|---|---|---|---|")
    for name, depth, what in rows:
        ns = medians[name] / int(depth)
        count = "" if counted[name] is None else f"{counted[name] / int(depth):.0f}"
        print(f"| {what} | {ns:.2f} | {ns / plain:.1f} | {count} |")
    for wasmtime in wasmtimes:
        version = wasmtime.split("=")[0]
        for variant, what in VARIANTS.items():
            ns = medians[f"wasmtime/{version}/{variant}"]
            print(f"| Wasmtime {version}, {what} | {ns:.2f} | {ns / plain:.1f} | |")


if __name__ == "__main__":
    main()
