"""Run notebook cells through IPython: magics, display and last values, without a kernel."""

from __future__ import annotations

import re
from typing import Any

from IPython.core.compilerop import CachingCompiler
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from . import faults

NO_INSTALL = (
    "Nothing is installed while a lab is graded: there is no network here. "
    "numpy, pandas, scipy, scikit-learn, tensorflow, keras, matplotlib, seaborn and Pillow are "
    "there."
)
INSTALLERS = re.compile(
    r"^\s*(sudo\s+)?((python3?|\S*/python3?)\s+-m\s+)?(pip3?|conda|mamba|uv|apt|apt-get)\b"
)
TRANSPARENT = re.compile(r"^\s*%%(time|timeit|capture)\b.*$", re.MULTILINE)
QUIET_MAGICS = tuple(
    "matplotlib tensorflow_version load_ext reload_ext unload_ext autoreload tensorboard config "
    "autosave pylab".split()
)
INSTALL_MAGICS = ("pip", "conda", "mamba", "uv")


class _Compiler(CachingCompiler):  # type: ignore[misc]
    """Names cells as the student knows them, so that tracebacks and autograph find them."""

    cell = 0

    def get_code_name(self, _raw: str, _transformed: str, _number: int) -> str:
        return faults.cell_file(self.cell)


class Shell:
    """An IPython shell whose namespace is the submission's."""

    def __init__(self) -> None:
        InteractiveShell.clear_instance()
        # A history would be a database in a file, and a thread.
        shell = InteractiveShell.instance(config=Config(HistoryManager={"enabled": False}))
        shell.compile = _Compiler()
        shell.showtraceback = lambda *_args, **_kwargs: None
        shell.showsyntaxerror = lambda *_args, **_kwargs: None
        shell.ask_exit = lambda *_args, **_kwargs: None
        shell.system_raw = shell.system_piped
        shell.display_pub.publish = _publish
        # It would shift the lines of every cell that starts with an empty one.
        manager = shell.input_transformer_manager
        manager.cleanup_transforms = [
            transform
            for transform in manager.cleanup_transforms
            if getattr(transform, "__name__", "") != "leading_empty_lines"
        ]
        self._shell = shell
        self._plain_system = shell.system
        shell.system = self._system
        line_magics = shell.magics_manager.magics["line"]
        line_magics.update(dict.fromkeys(QUIET_MAGICS, lambda _line: None))
        line_magics.update(dict.fromkeys(INSTALL_MAGICS, lambda _line: print(NO_INSTALL)))
        self.namespace: dict[str, Any] = shell.user_ns
        self.namespace["__name__"] = "__main__"

    def run(self, number: int, source: str) -> BaseException | None:
        """Run one cell; the exception that ended it, if any."""
        self._shell.compile.cell = number
        result = self._shell.run_cell(_without_timing(source), store_history=False)
        error = result.error_before_exec or result.error_in_exec
        return error if isinstance(error, BaseException) else None

    def _system(self, command: str) -> None:
        if INSTALLERS.match(command):
            print(NO_INSTALL)
        else:
            self._plain_system(command)


def _without_timing(source: str) -> str:
    """The cell without a first line that only times or hides it, its lines still in place."""
    stripped = source.lstrip()
    if not stripped.startswith("%%"):
        return source
    bare = TRANSPARENT.sub("", source, count=1)
    return stripped if bare == source else bare


def _publish(data: dict[str, Any], *_args: Any, **_kwargs: Any) -> None:
    """Show a display's plain text among what was printed; pictures are the recorder's."""
    text = data.get("text/plain") if isinstance(data, dict) else None
    if isinstance(text, str):
        print(text)
