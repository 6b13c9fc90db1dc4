"""The paper's table 2, through the command that anyone can run."""

from __future__ import annotations

import csv
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from timing import at_most, options, save

# Khosravani and Zilles (2026), table 2: mean seconds over rounds 1 to 5.
PAPER = {"entropy": 1.06, "grad": 2.44, "badge": 3.07, "k-center": 3.47}


def main() -> None:
    """Run the command, sum up its times and save."""
    parser = options(__doc__)
    parser.add_argument("--model", action="append", choices=["lenet", "resnet18"], help="One network only.")
    arguments = parser.parse_args()
    models_asked = [word for name in arguments.model or [] for word in ("--model", name)]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "table2.csv"
        command = [sys.executable, "-m", "ladle", "bench", "table2", "--out", str(out), *models_asked]
        subprocess.run(command, check=True)
        with out.open(newline="") as file:
            rows = list(csv.DictReader(file))
    models: dict[str, dict[str, dict[str, list[float]]]] = {}
    for model in dict.fromkeys(row["model"] for row in rows):
        models[model] = {}
        for name in PAPER:
            mine = [row for row in rows if row["model"] == model and row["strategy"] == name]
            selection, whole = [], []
            for number in dict.fromkeys(row["round"] for row in mine):
                one = [row for row in mine if row["round"] == number]
                selection.append(statistics.median(float(row["selection_seconds"]) for row in one))
                whole.append(selection[-1] + float(one[0]["outputs_seconds"]))
            models[model][name] = {
                "selection": [statistics.mean(selection), statistics.stdev(selection)],
                "with_forward": [statistics.mean(whole), statistics.stdev(whole)],
            }
    checks = [
        at_most(
            f"table 2, grad, {model}, forward included",
            {"ratio": found["grad"]["with_forward"][0] / found["entropy"]["with_forward"][0]},
            1.1,
            "entropy",
        )
        for model, found in models.items()
    ]
    save(arguments.results, "table2", models=models, paper_seconds=PAPER, checks=checks)


if __name__ == "__main__":
    main()
