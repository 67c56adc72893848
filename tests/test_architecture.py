"""The house stays liveable: imports flow one way, files and functions stay short, light things stay light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "rmbench"
# Left to right may import right, never back. Names in one set never import each other.
ORDER = [
    {"cli", "__main__"},
    {
        "cli_analyze",
        "cli_bench",
        "cli_compare",
        "cli_contamination",
        "cli_doctor",
        "cli_heldout",
        "cli_leaderboard",
        "cli_run",
        "cli_tasks",
        "cli_track",
    },
    {"cli_common"},
    {"leaderboard"},
    {"report", "studies", "integrations", "heldout", "contamination"},
    {"comparison"},
    {"evaluation", "run", "analysis", "validation", "bench"},
    {"metrics", "engine", "doctor"},
    {"optimizers"},
    {"models"},
    {"recipes", "external", "training_data"},
    {"task", "worlds"},
    {"ledger"},
    {"items"},
    {"scores", "stats"},
    {"trajectory"},
    {"rows"},
    {"types", "findings"},
    {"bounded"},
    {"errors", "cache"},
]
LEVEL = {name: level for level, names in enumerate(ORDER) for name in names}
# metrics and models meet nowhere, though one stands left of the other
NEVER = {("metrics", "models"), ("metrics", "engine"), ("evaluation", "models"), ("evaluation", "engine")}
NEVER |= {("analysis", "models"), ("analysis", "engine")}
FILES = sorted(PACKAGE.rglob("*.py"))
HEAVY = ("torch", "transformers", "datasets", "evaluate", "sklearn", "altair", "ray", "trl", "polars", "cryptography")


def stage(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_stages(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module] if node.module != "rmbench" else [f"rmbench.{a.name}" for a in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        found |= {name.split(".")[1] for name in names if name.startswith("rmbench.")}
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_flow_one_way(path):
    here = stage(path)
    if here == "__init__":
        assert imported_stages(path) <= {"run", "evaluation"}
        return
    assert here in LEVEL, f"{here} has no place in the order: give it one"
    for there in imported_stages(path) - {here}:
        assert LEVEL[there] > LEVEL[here], f"{path.name}: {here} must not import {there}"
        assert (here, there) not in NEVER, f"{path.name}: {here} and {there} never meet"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_files_and_functions_are_short(path):
    source = path.read_text()
    if not path.name.startswith("bank"):
        assert source.count("\n") <= 320, "split the file"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = [s for s in node.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
            length = (node.end_lineno or 0) - body[0].lineno + 1 if body else 0
            assert length <= 45, f"{node.name} has {length} lines"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_heavy_libraries_are_imported_where_they_are_used(path):
    if stage(path) in ("studies", "integrations") or "hub" in path.parts:  # these need them at once
        return
    for node in ast.parse(path.read_text()).body:
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        assert not [n for n in names if n.split(".")[0] in HEAVY]


LIGHT = ("--help", "tasks list", "models", "leaderboard --help", "heldout --help", "contamination --help")


@pytest.mark.parametrize("command", [line.split() for line in LIGHT])
def test_light_commands_stay_light(command):
    code = f"import sys; sys.argv = ['rmbench', *{command!r}]\nfrom rmbench.cli import main\ntry:\n    main()\n"
    code += f"except SystemExit:\n    pass\nprint('HEAVY', [m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.rstrip().endswith("HEAVY []"), done.stdout[-300:] + done.stderr[-300:]
