"""How fast many clients are answered at once, and in how much memory: python bench/many.py"""

import json
import resource
import subprocess
import sys
from pathlib import Path
from time import perf_counter, process_time

sys.path.insert(0, str(Path(__file__).resolve().parent))

import pandas as pd
from benchmark import somebody

import scarlib
from scarlib import book
from scarlib.evidence import weigh

SIZES = (1_000, 10_000, 100_000)
LOOP = 300
_UNIT = 1 if sys.platform == "darwin" else 1024  # bytes in what getrusage counts


def crowd(number: int, tables: scarlib.Tables) -> pd.DataFrame:
    people = (somebody(seed, tables) for seed in range(number))
    return pd.DataFrame([{name: getattr(client, name) for name in book.FIELDS} for client in people])


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _UNIT


def many(number: int) -> dict[str, float]:
    """One book in a fresh process, the first reading of the evidence included; then, with the evidence read, the loop
    over some of the same clients."""
    tables = scarlib.load_tables()
    people, evidence = crowd(number, tables), weigh(tables)
    before, wall, start = peak(), perf_counter(), process_time()
    found = book.recommend_many(people, evidence)
    many, wall = process_time() - start, perf_counter() - wall
    grown = peak() - before
    clients = [somebody(seed, tables) for seed in range(LOOP)]
    for client in clients[:20]:
        scarlib.recommend(client, tables)
    start = process_time()
    for client in clients:
        scarlib.recommend(client, tables)
    loop = (process_time() - start) / LOOP * number
    return {"many": many, "wall": wall, "loop": loop, "result": float(found.memory_usage().sum()), "grown": grown}


def fresh(number: int) -> dict[str, float]:
    run = subprocess.run([sys.executable, __file__, str(number)], stdout=subprocess.PIPE, text=True, check=True)
    return {name: float(value) for name, value in json.loads(run.stdout).items()}


def main() -> None:
    print("Seconds are those of the processor, which other work on the machine disturbs least; wall: by the clock.")
    print(f"The loop over recommend is measured at {LOOP} clients, after the book and so with the evidence read, and")
    print("scaled. Memory in MB: the result, and how much the process grew to its peak (getrusage).")
    rows = [("clients", "seconds", "clients a second", "wall", "the loop", "times faster", "result", "peak growth")]
    for number in SIZES:
        found = fresh(number)
        rows.append(
            (
                f"{number:,}",
                f"{found['many']:.2f}",
                f"{number / found['many']:,.0f}",
                f"{found['wall']:.2f}",
                f"{found['loop']:.1f}",
                f"{found['loop'] / found['many']:.1f}",
                f"{found['result'] / 1e6:.0f}",
                f"{found['grown'] / 1e6:.0f}",
            )
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(many(int(sys.argv[1]))))
    else:
        main()
