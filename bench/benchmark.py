"""How fast the library answers: python bench/benchmark.py"""

import random
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import scarlib  # noqa: E402
from scarlib.client import PRIORITIES, SCAR_TYPES, TRAITS  # noqa: E402
from scarlib.ranking import DRAWS  # noqa: E402

RUNS = 200
# pandas is given; what counts is what comes on top of it.
IMPORT = """
import sys, pandas
from time import perf_counter
sys.path.insert(0, {root!r})
start = perf_counter()
import scarlib
print(1000 * (perf_counter() - start))
"""


def somebody(seed: int, tables: scarlib.Tables) -> scarlib.Client:
    """A person of any kind; the same seed is the same person."""
    dice = random.Random(seed)
    return scarlib.Client(
        scars={scar: dice.uniform(0.5, 3) for scar in dice.sample(SCAR_TYPES, dice.randint(1, 3))},
        fitzpatrick=dice.choice([None, 1, 2, 3, 4, 5, 6]),
        traits=dice.sample(TRAITS, dice.randint(0, 2)),
        severity=dice.choice([None, 1, 2, 3, 4]),
        conditions=dice.sample(list(tables.conditions.index), dice.choice([0, 0, 1, 2])),
        max_downtime_days=dice.choice([None, 3, 14]),
        budget_usd=dice.choice([None, 3000]),
        setting=dice.choice([None, "med_spa"]),
        priorities={name: dice.randint(0, 3) for name in PRIORITIES},
    )


def menu_of(rows: int, tables: scarlib.Tables) -> bytes:
    """A clinic's menu of so many offers, as CSV."""
    treatments = [treatment for treatment in tables.treatments.index if treatment != "no_treatment"]
    lines = (f"{treatments[k % len(treatments)]},{100 + k % 900},Device {k}" for k in range(rows))
    return "\n".join(["treatment_id,price_usd_per_session,device", *lines]).encode()


def menu_row(rows: int, tables: scarlib.Tables, client: scarlib.Client) -> tuple[str, str, str, str]:
    """Load a menu, lay it over, and filter: what is offered for up to 500 dollars, and what it does to the options."""
    raw = menu_of(rows, tables)

    def work() -> None:
        laid = scarlib.load_tables(menu=raw)
        assert laid.menu is not None
        laid.menu[laid.menu["price_usd_per_session"] <= 500].groupby(level=0).size()
        scarlib.recommend(client, laid)

    times = sorted(milliseconds(work) for _ in range(3))
    return f"menu of {rows:,} rows: load, filter, recommend, 3 runs", f"{times[1]:.0f}", f"{times[-1]:.0f} max", ""


def milliseconds(work: Callable[[], object]) -> float:
    start = perf_counter()
    work()
    return 1000 * (perf_counter() - start)


def import_cost() -> float:
    code = IMPORT.format(root=str(ROOT))
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(run.stdout)


def main() -> None:
    imports = sorted(import_cost() for _ in range(7))
    loads = sorted(milliseconds(scarlib.load_tables) for _ in range(7))
    tables = scarlib.load_tables()
    clients = [somebody(seed, tables) for seed in range(50)]
    first = milliseconds(lambda: scarlib.recommend(clients[0], tables))
    for client in clients:
        scarlib.recommend(client, tables)
    warm = [milliseconds(lambda i=i: scarlib.recommend(clients[i % 50], tables)) for i in range(RUNS)]
    p95 = statistics.quantiles(warm, n=20)[-1]
    rows = [
        ("what", "median ms", "95 % ms", "target ms"),
        (f"recommend, warm, {DRAWS:,} draws, {RUNS} runs", f"{statistics.median(warm):.1f}", f"{p95:.1f}", "15"),
        ("recommend, first on fresh tables", f"{first:.1f}", "", ""),
        (
            "import scarlib on top of pandas, 7 runs",
            f"{statistics.median(imports):.1f}",
            f"{imports[-1]:.1f} max",
            "60",
        ),
        *(menu_row(rows, tables, clients[0]) for rows in (1_000, 10_000, 100_000)),
        ("load_tables, 7 runs", f"{statistics.median(loads):.1f}", f"{loads[-1]:.1f} max", ""),
    ]
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    for row in rows:
        print(row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)))


if __name__ == "__main__":
    main()
