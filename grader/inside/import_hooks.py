"""Run a function when a module is first imported, and at no cost before that.

A hook sees the finished module before the importing statement goes on, so that names replaced in
it are the ones that `from module import name` hands out.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

Hook = Callable[[ModuleType], None]


class PostImport(MetaPathFinder):
    """Calls hooks for modules by full name, or for every module below a package."""

    def __init__(self) -> None:
        self._hooks: dict[str, list[Hook]] = {}
        self._families: dict[str, list[Hook]] = {}
        self._finding: set[str] = set()

    def install(self) -> None:
        """Put this finder before all others, once."""
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)

    def remove(self) -> None:
        """Take this finder away again; hooks that ran are not undone."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def when_imported(self, name: str, hook: Hook) -> None:
        """Call `hook(module)` once `name` is imported, at once where it already is."""
        self._hooks.setdefault(name, []).append(hook)
        if name in sys.modules:
            hook(sys.modules[name])

    def for_each_below(self, package: str, hook: Hook) -> None:
        """Call `hook(module)` for `package` and every module below it."""
        self._families.setdefault(package, []).append(hook)
        for name, module in list(sys.modules.items()):
            if _is_below(name, package) and isinstance(module, ModuleType):
                hook(module)

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """Let the other finders find the module, then wrap its loader where a hook waits."""
        hooks = self._waiting_for(fullname)
        if not hooks or fullname in self._finding:
            return None
        self._finding.add(fullname)
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            self._finding.discard(fullname)
        if spec is not None and spec.loader is not None and hasattr(spec.loader, "exec_module"):
            _call_after_exec(spec.loader, hooks)
        return spec

    def _waiting_for(self, name: str) -> list[Hook]:
        hooks = list(self._hooks.get(name, ()))
        for package, family in self._families.items():
            if _is_below(name, package):
                hooks += family
        return hooks


def _is_below(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def _call_after_exec(loader: Loader, hooks: list[Hook]) -> None:
    """Shadow `exec_module` on this one loader, so that its class and type stay as they are."""
    execute = loader.exec_module

    def exec_module(module: ModuleType) -> None:
        execute(module)
        for hook in hooks:
            hook(module)

    loader.exec_module = exec_module  # type: ignore[method-assign]


def replace_everywhere(original: object, replacement: object, packages: tuple[str, ...]) -> None:
    """Rebind every name for `original` in the loaded modules of `packages`."""
    for name, module in list(sys.modules.items()):
        if not name.startswith(packages) or not isinstance(module, ModuleType):
            continue
        for key, value in list(vars(module).items()):
            if value is original:
                setattr(module, key, replacement)
