"""The places in TensorFlow and Keras where own training loops pass by."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from .arrays import kind_of
from .journal import Journal
from .loops import Loops

Function = Callable[..., Any]


class LoopPatches:
    """Wraps each place with a glance that costs a microsecond when Keras itself passes by."""

    def __init__(self, journal: Journal, loops: Loops) -> None:
        self._journal = journal
        self._loops = loops

    def in_backprop(self, module: Any) -> None:
        """GradientTape.gradient names the variables that are to be trained."""
        tape = module.GradientTape

        def glance(args: Any, kwargs: Any) -> None:
            sources = kwargs["sources"] if "sources" in kwargs else args[2]
            self._loops.trains(sources)

        tape.gradient = self._first(tape.gradient, glance)

    def in_optimizer(self, module: Any) -> None:
        """Optimizer.apply is where gradients made by hand arrive, too."""
        optimizer = module.BaseOptimizer

        def glance(args: Any, kwargs: Any) -> None:
            given = kwargs.get("trainable_variables", args[2] if len(args) > 2 else None)
            if given is not None:
                self._loops.applied(given)

        optimizer.apply = self._first(optimizer.apply, glance)

    def in_iterators(self, module: Any) -> None:
        """Iterating a data set makes one of these, with the data set as first argument."""
        iterator = module.OwnedIterator

        def glance(args: Any, kwargs: Any) -> None:
            dataset = kwargs.get("dataset", args[1] if len(args) > 1 else None)
            if dataset is not None:
                self._loops.iterated(dataset)

        iterator.__init__ = self._first(iterator.__init__, glance)

    def in_functions(self, module: Any) -> None:
        """A call of a tf.function shows its arguments; the body is seen only when traced."""
        function = module.Function
        original = function.__call__
        journal, loops = self._journal, self._loops

        @functools.wraps(original)
        def __call__(self: Any, *args: Any, **kwargs: Any) -> Any:
            if journal.inside_a_call:
                return original(self, *args, **kwargs)
            journal.safely(loops.function_called, self, (*args, *kwargs.values()))
            try:
                return original(self, *args, **kwargs)
            finally:
                loops.function_ended()

        function.__call__ = __call__

    def in_losses(self, module: Any) -> None:
        """A loss object sees the labels of a step."""
        loss = module.Loss

        def glance(args: Any, kwargs: Any) -> None:
            y = kwargs.get("y_true", args[1] if len(args) > 1 else None)
            if kind_of(y) in ("array", "tensor"):
                self._loops.loss_called(y)

        loss.__call__ = self._first(loss.__call__, glance)

    def _first(self, original: Function, glance: Callable[[Any, Any], None]) -> Function:
        """`original`, after a glance at the arguments of calls that the student's code made."""
        journal = self._journal

        @functools.wraps(original)
        def seen(*args: Any, **kwargs: Any) -> Any:
            if not journal.inside_a_call:
                journal.safely(glance, args, kwargs)
            return original(*args, **kwargs)

        return seen
