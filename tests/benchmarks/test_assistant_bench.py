"""The bench of a model in trouble still measures; timings are the machine's business."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


WAYS = {"idle", "answers", "hangs", "drips", "refuses"}


def test_a_quick_bench_has_every_way_and_loses_no_message(tmp_path: Path) -> None:
    output = tmp_path / "bench.json"
    command = [sys.executable, "-m", "benchmarks.assistant", "--quick", "--output", str(output)]

    finished = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=250, check=False
    )

    assert finished.returncode == 0, finished.stdout + finished.stderr
    document = json.loads(output.read_text())
    runs = {run["way"]: run for run in document["runs"]}
    assert set(runs) == set(document["summary"]) == WAYS
    assert all(run["problems"] == [] for run in runs.values())
    assert all(run["figures"]["deliveries"] == 50 for run in runs.values())
    assert runs["idle"]["requests"] == 0
    assert all(runs[way]["requests"] >= 4 for way in WAYS - {"idle"})
    assert runs["hangs"]["deltas"] == 0 < runs["drips"]["deltas"]
    assert document["summary"]["idle"]["p99_of_idle"] == 1
    assert "failed" not in finished.stderr
