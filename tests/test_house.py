"""The rules of the house that a reader could not see kept by looking at one module."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import grader.checks
from grader import errors
from grader.__main__ import main  # noqa: F401 - the entry point that pyproject.toml names

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "grader"
MODULES = sorted(PACKAGE.rglob("*.py"))
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EDGES = (
    "grader.batch",
    "grader.cli",
    "grader.export",
    "grader.gradebook",
    "grader.report",
    "grader.__main__",
)
RECORDS = ("grader.records", "grader.errors")
BESIDE_STUDENTS = {"tensorflow", "keras", "sklearn", "IPython", "matplotlib", "pandas", "seaborn"}
UNPICKLERS = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}


def dotted(path: Path) -> str:
    """Return the module's dotted name."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def under(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def imports(path: Path) -> Iterator[str]:
    """Yield the absolute name of everything a module imports, at its top or later."""
    package = dotted(path).split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*start, *([node.module] if node.module else [])])
            yield from (f"{base}.{name.name}" for name in node.names)


def named(paths: list[Path]) -> list[object]:
    return [pytest.param(path, id=dotted(path)) for path in paths]


INSIDE = [path for path in MODULES if under(dotted(path), ("grader.inside",))]
SENT = [path for path in MODULES if 'globals()["channel"]' in path.read_text(encoding="utf-8")]
"""Read as text and sent into the sandbox, to prove it: never imported here."""
OUTSIDE = [path for path in MODULES if path not in INSIDE + SENT]
ENGINE = [path for path in OUTSIDE if not under(dotted(path), EDGES + RECORDS)]


@pytest.mark.parametrize("path", named(INSIDE))
def test_what_runs_beside_student_code_imports_nothing_of_the_judging_side(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    absolute = [
        name
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom) and not node.level
            else []
        )
    ]
    assert [name for name in absolute if name.split(".")[0] == "grader"] == []
    assert [name for name in imports(path) if not_inside(name)] == []


def not_inside(name: str) -> bool:
    """Say whether a relative import climbed out of grader/inside."""
    return name.split(".")[0] == "grader" and not under(name, ("grader.inside",))


@pytest.mark.parametrize("path", named([path for path in MODULES if under(dotted(path), RECORDS)]))
def test_the_records_import_no_engine_and_no_edge(path: Path) -> None:
    ours = [name for name in imports(path) if name.split(".")[0] == "grader"]
    assert [name for name in ours if not under(name, RECORDS)] == []


@pytest.mark.parametrize("path", named(ENGINE))
def test_the_engine_imports_no_edge(path: Path) -> None:
    assert [name for name in imports(path) if under(name, EDGES)] == []


@pytest.mark.parametrize("path", named(OUTSIDE))
def test_the_trusted_side_imports_nothing_that_runs_or_unpickles_students_work(path: Path) -> None:
    roots = {name.split(".")[0] for name in imports(path)}
    assert roots & (BESIDE_STUDENTS | UNPICKLERS) == set()


def test_what_is_sent_into_the_sandbox_is_never_imported() -> None:
    sent = tuple(dotted(path) for path in SENT)
    assert [path for path in MODULES for name in imports(path) if under(name, sent)] == []


@pytest.mark.parametrize("path", named(OUTSIDE))
def test_the_trusted_side_loads_no_array_that_could_hold_objects(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert "allow_pickle=True" not in source
    calls = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("np.load", "numpy.load")
    ]
    for call in calls:
        assert "allow_pickle=False" in ast.unparse(call), f"line {call.lineno}"


def test_grading_needs_no_tensorflow_in_the_graders_own_process() -> None:
    ours = [dotted(path) for path in OUTSIDE if path.name != "__main__.py"]
    program = (
        "import sys, importlib\n"
        f"for name in {ours!r}:\n"
        "    importlib.import_module(name)\n"
        f"print(*sorted({BESIDE_STUDENTS - {'matplotlib', 'pandas'}!r} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("path", named(MODULES))
def test_every_module_says_what_it_is_for_and_stays_short(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(source))
    assert source.count("\n") < 400


@pytest.mark.parametrize("path", named(OUTSIDE))
def test_the_program_knows_no_lab_by_name(path: Path) -> None:
    code = ast.unparse(without_docstrings(ast.parse(path.read_text(encoding="utf-8"))))
    assert re.findall(r"lab\d\d", code) == []
    # The sandbox's proofs look for the graded digits where they lie.
    if not under(dotted(path), ("grader.data", "grader.sandbox.conformance")):
        assert re.findall(r"mnist", code, re.IGNORECASE) == []


def without_docstrings(tree: ast.Module) -> ast.Module:
    """Drop every bare string: docstrings and the notes below attributes."""
    for node in ast.walk(tree):
        for body in (getattr(node, "body", None), getattr(node, "orelse", None)):
            if isinstance(body, list):
                bare = [item for item in body if not is_bare_string(item)]
                body[:] = bare or [ast.Pass()]
    return tree


def is_bare_string(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def test_every_error_stands_in_the_tree_at_the_top_of_errors_py() -> None:
    drawn = errors.__doc__ or ""
    for name, value in vars(errors).items():
        if isinstance(value, type) and issubclass(value, errors.GraderError):
            assert re.search(rf"\b{name}\b", drawn), name


def tracked() -> list[Path]:
    done = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in done.stdout.split("\0") if name]


def test_no_file_names_a_package_registry() -> None:
    hosts = [b"pypi" + b".org", b"pythonhosted" + b".org", b"npmjs" + b".org", b"npmjs" + b".com"]
    for path in tracked():
        if path.is_file() and path.suffix not in {".npy", ".png"}:
            content = path.read_bytes()
            assert [host for host in hosts if host in content] == [], path


def test_the_lock_holds_a_hash_for_every_package_and_covers_the_dependencies() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    entries = re.split(r"(?m)^(?=[a-z0-9])", lock)[1:]
    locked = {re.split(r"==| ", entry)[0] for entry in entries}
    assert all("--hash=sha256:" in entry for entry in entries)
    wanted = [
        *PYPROJECT["project"]["dependencies"],
        *PYPROJECT["dependency-groups"]["dev"],
        *PYPROJECT["build-system"]["requires"],
    ]
    assert {re.split(r"[><=; ]", line)[0] for line in wanted} <= locked


def test_the_readme_names_only_commands_and_targets_that_exist() -> None:
    from grader.cli import COMMANDS

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = "\n".join(re.findall(r"```(?:sh|console)?\n(.*?)```", readme, re.DOTALL))
    used = set(re.findall(r"^(?:\$ )?(?:\.venv/bin/)?grade ([a-z]+)", blocks, re.MULTILINE))
    assert {"labs", "start", "check", "doctor"} <= used <= set(COMMANDS)
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named_targets = set(re.findall(r"\bmake ([a-z]+)", blocks))
    assert {"demo", "test"} <= named_targets <= targets


@pytest.mark.parametrize("document", ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_a_document_points_only_at_files_that_exist(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)
    paths = re.findall(r"`((?:grader|tests|docs|scripts|benchmarks|assignments)/[\w./-]*)`", text)
    assert links + paths
    assert [name for name in links + paths if not (ROOT / name).exists()] == []


def test_what_the_author_of_checks_imports_is_what_is_documented() -> None:
    guide = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert list(grader.checks.__all__) == sorted(grader.checks.__all__)
    for name in grader.checks.__all__:
        assert hasattr(grader.checks, name), name
        assert f"`{name}" in guide, name


EXPLAINED = {"LabError", "NothingToGrade", "OutputError", "SubmissionError", "UsageError"}


def test_every_error_that_a_user_reads_carries_a_hint() -> None:
    made = [
        (path.relative_to(ROOT), node)
        for path in sorted(PACKAGE.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in EXPLAINED
    ]
    assert len(made) > 50
    without = [
        f"{path}:{node.lineno}"
        for path, node in made
        if "hint" not in {keyword.arg for keyword in node.keywords}
    ]
    assert without == []
