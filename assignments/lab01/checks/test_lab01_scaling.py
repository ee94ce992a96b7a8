"""Public checks of lab01: training and test pictures were scaled, and in the same way.

Pictures are found by their shape and their values, never by a variable's name; names are looked at
only to explain a slip, such as a misspelt one.
"""

import ast

import pytest

from grader.checks import expect, fail

TRAIN, TEST = 60_000, 10_000
PIXELS = {(28, 28), (28, 28, 1), (784,)}


def is_pictures(facts):
    """Whether an array holds digits, as pictures or as rows of 784."""
    return tuple(facts.shape[1:]) in PIXELS and facts.maximum is not None


def role(facts):
    """`train` or `test`: by the rows' origin where it is known, else by their number."""
    if facts.origin is not None and facts.origin.train + facts.origin.test > 0:
        return "train" if facts.origin.train >= facts.origin.test else "test"
    return {TRAIN: "train", TEST: "test"}.get(facts.shape[0])


def pictures(evidence, wanted):
    """(name, facts) of all arrays of digits with this role: variables, and what went into calls."""
    found = [(value.name, value.array) for value in evidence.values if value.array is not None]
    feeds = [fit.train for fit in evidence.fits] + [use.feed for use in evidence.uses]
    found += [("", feed.x) for feed in feeds if feed is not None and feed.x is not None]
    return [
        (name, facts)
        for name, facts in found
        if facts.shape and facts.shape[0] > 1 and is_pictures(facts) and role(facts) == wanted
    ]


def is_raw(facts):
    """Whether the pixels still run up to 255 (standard scores may go as high, but below 0 too)."""
    return facts.maximum > 128 and facts.minimum >= 0


def is_spoilt(facts):
    """Whether nearly nothing of the picture is left: squeezed to 0, or cut to 0 and 1."""
    span = facts.maximum - facts.minimum
    return span < 0.05 or (facts.distinct is not None and facts.distinct <= 2)


def same_range(one, other):
    """Whether two arrays of digits were scaled alike: the same ends and about the same mean."""
    span = max(one.maximum - one.minimum, 1e-9)
    close = abs(one.mean - other.mean) < 0.03 * span
    standardised = max(abs(one.mean), abs(other.mean)) < 0.1 and min(one.minimum, other.minimum) < 0
    ends = max(abs(one.minimum - other.minimum), abs(one.maximum - other.maximum))
    return close and (ends < 0.01 * span or standardised)


def shown(facts):
    """The range of an array in words."""
    return f"{facts.minimum:.4g} … {facts.maximum:.4g}"


def parsed(submission):
    """(cell, syntax tree) of every cell that Python alone can read, without its magics."""
    for cell in submission.cells:
        lines = cell.source.split("\n")
        plain = ["" if line.lstrip().startswith(("%", "!")) else line for line in lines]
        try:
            yield cell, ast.parse("\n".join(plain))
        except (SyntaxError, ValueError, RecursionError):
            continue


def names_in(target):
    """The plain names that an assignment's target gives values to, in order."""
    return [
        node.id
        for node in ast.walk(target)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    ]


def data_named(node):
    """Whether an expression speaks of a variable, not only of a number or an example typed in."""
    names = {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
    return bool(names - {"np", "numpy", "tf", "keras"})


def looped_names(trees):
    """The names that a loop gives one value after the other."""
    loops = [n for t in trees for n in ast.walk(t) if isinstance(n, ast.For | ast.comprehension)]
    return {name for loop in loops for name in names_in(loop.target)}


def scaled_variables(submission):
    """On how many different variables one function that scales is used, at the most.

    It is `normalize`, `rescale` or any that uses them. Asked where datasets hide the pixels.
    """
    trees = [tree for _, tree in parsed(submission)]
    functions = [n for tree in trees for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]
    scaling = {"normalize", "rescale"}
    for function in functions:
        used = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
        if used & scaling and function.name not in ("encode", "batches"):
            scaling.add(function.name)
    looped = looped_names(trees)
    seen = {name: set() for name in (*scaling, "map")}
    for call in (n for tree in trees for n in ast.walk(tree) if isinstance(n, ast.Call)):
        inside = {node.id for node in ast.walk(call) if isinstance(node, ast.Name)}
        if isinstance(call.func, ast.Attribute) and call.func.attr == "map" and inside & scaling:
            seen["map"].add(ast.dump(call.func.value))
        elif isinstance(call.func, ast.Name) and call.func.id in scaling and call.args:
            if data_named(call.args[0]):
                seen[call.func.id].add(ast.dump(call.args[0]))
            if inside & looped:
                seen[call.func.id].add("the next one")
    return max(len(different) for different in seen.values())


def misspelt(trains, tests):
    """(misspelt name, meant name) where a scaled copy went into a name nobody will look for."""
    raw_tests = {name for name, facts in tests if is_raw(facts)}
    for name, facts in trains:
        partner = name.replace("train", "test")
        if not is_raw(facts) or partner == name or partner in raw_tests:
            continue
        for other, copy in trains:
            slip = sorted(other) == sorted(name) or len(other) == len(name) - 1
            if slip and not is_raw(copy):
                return other, name
    return None


def expect_no_broken_scaling(evidence):
    """Name the exception that stops `x_train /= 255`."""
    for cell in evidence.cells:
        if cell.fault is not None and "Cannot cast ufunc 'divide'" in cell.fault.message:
            fail(
                observed="the line that scales the pictures stopped with an error",
                expected="pictures that are scaled into a new float array",
                misconception="in-place-divide",
                cell=cell.fault.cell,
                line=cell.fault.line,
            )


@pytest.mark.needs("mnist_loaded", "normalize")
def test_same_scaling(evidence, submission):
    """Training and test pictures are scaled, both in the same way."""
    trains, tests = pictures(evidence, "train"), pictures(evidence, "test")
    slip = misspelt(trains, tests)
    if slip is not None:
        fail(
            observed=f"the scaled training pictures went into `{slip[0]}`, and `{slip[1]}` is raw",
            expected=f"scaled pictures in `{slip[1]}`",
            misconception="scaled-copy-unused",
            why=f"`{slip[0]}` looks like a misspelt `{slip[1]}`; what follows would train on raw "
            "pixels.",
            next="Compare the two names letter by letter.",
        )
    train = [facts for _, facts in trains if not is_raw(facts)]
    test = [facts for _, facts in tests if not is_raw(facts)]
    good = [one for one in train for other in test if same_range(one, other) and not is_spoilt(one)]
    if not good:
        expect_no_broken_scaling(evidence)
        expect_scaled(evidence, submission, trains, tests, train, test)


def expect_scaled(evidence, submission, trains, tests, train, test):
    """Say what is wrong where no training and test pictures were scaled alike."""
    datasets = [value for value in evidence.values if "Dataset" in value.type]
    uses = scaled_variables(submission) if len(datasets) > 1 or not (trains or tests) else 0
    if uses > 1:
        return
    both = "training and test pictures that run over the same small range"
    if train and test:
        one, other = train[-1], test[-1]
        code = None
        if is_spoilt(one) or is_spoilt(other):
            whole = one.integral and other.integral and one.maximum >= 1
            code = "integer-division" if whole else "double-scaling"
        fail(
            observed=f"training pictures {shown(one)}, test pictures {shown(other)}",
            expected=both,
            misconception=code or "train-only-scaling",
            why=None if code else "Other numbers at the test are other pictures to the network.",
            next=None if code else "Call the same function on both.",
        )
    if train and tests:
        fail(
            observed=f"training pictures {shown(train[-1])}, test pictures {shown(tests[-1][1])}",
            expected=both,
            misconception="train-only-scaling",
        )
    if test and trains:
        fail(
            observed=f"training pictures {shown(trains[-1][1])}, test pictures {shown(test[-1])}",
            expected=both,
            misconception="scaled-copy-unused",
            why="The test pictures are scaled and those for training are not.",
            next="Scale the training pictures with the same function, and keep the result.",
        )
    expect(
        uses == 0,
        observed="only one variable is scaled",
        expected=both,
        misconception="train-only-scaling",
    )
    raw = bool(trains and tests)
    fail(
        observed="all pictures of MNIST that were found are raw, 0 … 255"
        if raw
        else "no variables with scaled pictures of MNIST were found",
        expected=both,
        misconception="no-scaling" if raw else None,
        why="A network learns badly from numbers up to 255.",
        next="Call your function on the training pictures and on the test pictures, and keep both "
        "results in variables.",
    )
