"""Runs the worker's stages and reads what they print."""

import json
import subprocess
from pathlib import Path


class Worker:
    def __init__(self, program):
        self.program = str(program)

    def call(self, *arguments):
        command = [self.program, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
        return done.stdout

    def stage(self, *arguments):
        return self.call("stage", *arguments)

    def score(self, recon, truth, mask, labels=None):
        """nrmse, hfen, xsim, correlation, ... of docs/algorithms.md, in the whole mask."""
        regions = ["--labels", labels] if labels else []
        return json.loads(self.stage("score", "--recon", recon, "--truth", truth, "--mask", mask,
                                     *regions, "--json"))

    def run(self, scan, out, *settings, pipeline=None):
        """The whole chain; returns the result part of its report."""
        chosen = [part for setting in settings for part in ("--set", setting)]
        chosen += ["--pipeline", pipeline] if pipeline else []
        self.call("run", scan, "-o", out, *chosen)
        return json.loads((Path(out) / "report.json").read_text())["result"]


def table(header, rows):
    """Markdown; numbers are formatted by the caller."""
    right = ["---"] + ["---:"] * (len(header) - 1)
    lines = [header, right, *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def figures(scores, *names):
    """The scores as they stand in the tables: one decimal for percentages, three for the rest."""
    decimals = {"nrmse": 1, "nrmse_detrend": 1, "hfen": 1, "nrmse_dgm": 1, "nrmse_tissue": 1}
    return [f"{scores[name]:.{decimals.get(name, 3)}f}" for name in names]
