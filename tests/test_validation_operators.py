"""The operators that make mutants, on sources small enough to say what each of them gives."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.records.lab import Validation
from grader.validation import training
from grader.validation.operators import OPERATORS
from grader.validation.shortening import shortened
from grader.validation.trees import first_difference, slots, text_with
from tests.sessions import notebook


def mutants(operator: str, source: str) -> list[str]:
    """The sources that one operator makes of a function or a cell."""
    tree = ast.parse(source)
    places = list(slots(tree))
    if operator in OPERATORS:
        edits = [[(slot, new)] for slot in places for new in OPERATORS[operator](slot)]
    else:
        context = training.context_of([tree], optimizer_asked=True)
        edits = [list(edit) for edit in training.OPERATORS[operator](places, context)]
    made = [text_with(tree, edit) for edit in edits]
    assert ast.unparse(tree) == ast.unparse(ast.parse(source)), "the tree is as it was"
    return [text for text in made if text is not None]


@pytest.mark.parametrize(
    ("operator", "source", "expected"),
    [
        ("axis-changed", "x.sum(axis=1)", ["x.sum(axis=0)", "x.sum()"]),
        ("axis-changed", "x.max(axis=-1)", ["x.max(axis=0)", "x.max()"]),
        ("axis-changed", "b[np.newaxis, :]", ["b[:, np.newaxis]"]),
        ("axis-changed", "x[..., None]", ["x[None, ...]"]),
        ("axis-changed", "n = x.shape[0]", ["n = x.shape[1]"]),
        ("axis-changed", "W.T @ x", ["W @ x"]),
        ("constant-changed", "y = 255", ["y = 510"]),
        ("constant-changed", "y = 0", ["y = 1"]),
        ("constant-changed", "f(x, keepdims=True)", ["f(x, keepdims=False)"]),
        ("comparison-changed", "y = a < b", ["y = a <= b", "y = a >= b"]),
        ("comparison-changed", "y = a == b", ["y = a != b"]),
        ("comparison-changed", "y = a and b", ["y = a or b"]),
        ("comparison-changed", "y = not a", ["y = a"]),
        ("off-by-one", "y = x[:n]", ["y = x[:n - 1]"]),
        ("off-by-one", "range(n)", ["range(n - 1)"]),
        ("off-by-one", "y = len(x)", ["y = len(x) - 1"]),
        ("off-by-one", "y = x[2]", ["y = x[3]"]),
        ("off-by-one", "y = d + 1", ["y = d + 2", "y = d + 0"]),
        ("arithmetic-swapped", "y = a + b", ["y = a - b"]),
        ("arithmetic-swapped", "y = a @ b", ["y = a * b"]),
        ("arithmetic-swapped", "y = -f(x)", ["y = f(x)"]),
        ("arithmetic-swapped", "y += a", ["y -= a"]),
        ("function-swapped", "np.maximum(z, 0)", ["np.minimum(z, 0)"]),
        ("function-swapped", "x.mean(axis=1)", ["x.sum(axis=1)"]),
        ("dropped-statement", "a = 1\nb = 2", ["pass\nb = 2", "a = 1\npass"]),
        ("argument-order-swapped", "f(a, b)", ["f(b, a)"]),
        ("argument-order-swapped", "y = a / b", ["y = b / a"]),
        ("argument-order-swapped", "def f(a, b): return a", ["def f(b, a):\n    return a"]),
        ("returned-value-dropped", "def f(a): return a", ["def f(a):\n    a"]),
    ],
)
def test_an_operator_makes_its_slips(operator: str, source: str, expected: list[str]) -> None:
    assert mutants(operator, source) == expected


@pytest.mark.parametrize(
    ("operator", "source"),
    [
        ("argument-order-swapped", "np.maximum(a, b)"),
        ("argument-order-swapped", "y = a * b"),
        ("argument-order-swapped", "f(a, a)"),
        ("argument-order-swapped", "f(*a, *b)"),
        ("arithmetic-swapped", "y = a * 1"),
        ("arithmetic-swapped", "y = a + 0"),
        ("arithmetic-swapped", "y = 'a' + b"),
        ("arithmetic-swapped", "y = -1"),
        ("constant-changed", "p = p + 1e-9"),
        ("constant-changed", "x.reshape(n, -1)"),
        ("constant-changed", "ax.plot(x, linewidth=2)"),
        ("constant-changed", "'''About 2 things.'''\nprint(3)\nassert x == 4\nraise ValueError(5)"),
        ("weights-alike", "model = Sequential([Flatten(), Dense(10)])"),
        ("dropped-statement", "import numpy as np\nprint(np)\npass"),
    ],
)
def test_a_change_that_changes_nothing_is_not_made(operator: str, source: str) -> None:
    assert mutants(operator, source) == []


NETWORK = """
model = keras.Sequential([
    keras.layers.Rescaling(1 / 255),
    keras.layers.Flatten(),
    keras.layers.Dense(9, activation="relu"),
    keras.layers.Dropout(0.3),
    keras.layers.Dense(8, activation="relu"),
    keras.layers.Dense(10, activation="softmax"),
])
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
history = model.fit(a, b, epochs=5, batch_size=64, validation_split=0.1)
model.evaluate(c, d)
confusion_matrix(d, said)
"""


@pytest.mark.parametrize(
    ("operator", "gone", "come"),
    [
        ("hidden-activations-removed", "activation='relu'", "activation='linear'"),
        ("output-activation-removed", ", activation='softmax'", "Dense(10)"),
        ("wrong-loss", "sparse_categorical", "loss='categorical_crossentropy'"),
        ("scaling-removed", "Rescaling", "Sequential([keras.layers.Flatten("),
        ("labels-changed", "fit(a, b,", "fit(a, b[::-1],"),
        ("data-removed", "fit(a, b,", "fit(a[::100], b[::100],"),
        ("classes-removed", "fit(a, b,", "fit(a[b % 2 == 0], b[b % 2 == 0],"),
        ("batches-undone", "batch_size=64", "batch_size=1000000"),
        ("epochs-removed", "epochs=5", "epochs=1"),
        ("training-removed", "model.fit", "pass"),
        ("learning-rate-extreme", "optimizer='adam'", "'learning_rate': 10.0"),
        ("validation-removed", "validation_split", "batch_size=64)"),
        ("optimizer-changed", "'adam'", "optimizer='sgd'"),
        ("evaluated-on-train", "evaluate(c, d)", "evaluate(a, b)"),
        ("metric-arguments-swapped", "(d, said)", "confusion_matrix(said, d)"),
        ("dropout-removed", "Dropout", "'relu'), keras.layers.Dense(8"),
        ("dropout-extreme", "Dropout(0.3)", "Dropout(0.95)"),
        ("hidden-activations-changed", "'relu'", "Dense(8, activation='softmax')"),
        ("output-activation-changed", "softmax", "Dense(10, activation='relu')"),
        ("output-missing", "Dense(10", "Dense(9, activation='softmax')"),
        ("hidden-layers-removed", "relu", "Dropout(0.3), keras.layers.Dense(10"),
        ("flatten-removed", "Flatten", "keras.layers.Dense(10, activation='softmax')"),
        ("weights-alike", "'relu')", "activation='softmax', kernel_initializer='zeros')"),
    ],
)
def test_a_fault_of_training_is_planted(operator: str, gone: str, come: str) -> None:
    first = mutants(operator, NETWORK)[0]
    assert gone not in first
    assert come in first


def test_the_pixels_lose_their_scaling_on_one_side_and_on_both() -> None:
    made = mutants("scaling-removed", "a = a / 255\nb = b / 255.0")
    assert made == ["a = a\nb = b / 255.0", "a = a / 255\nb = b", "a = a\nb = b"]


def test_layers_called_one_by_one_lose_their_activation_too() -> None:
    made = mutants("hidden-activations-removed", "x = layers.Dense(9)(x)\nx = layers.ReLU()(x)")
    assert made == ["x = layers.Dense(9)(x)\nx = x"]


def test_a_network_of_changes_still_takes_pictures_when_none_are_changed() -> None:
    [made] = mutants("augmentation-removed", "change = Sequential([RandomZoom(0.1)])")
    assert made == "change = Sequential([__import__('keras').layers.Identity()])"


def test_two_networks_in_a_cell_are_changed_one_at_a_time() -> None:
    one = "a = keras.Sequential([Dense(9, activation='relu')])\n"
    assert len(mutants("hidden-activations-removed", one + one.replace("a =", "b ="))) == 2


def test_an_optimizer_is_found_in_compile_alone_by_name_or_place() -> None:
    assert mutants("optimizer-changed", "m.compile('adam', 'mse')") == ["m.compile('sgd', 'mse')"]
    assert len(mutants("learning-rate-extreme", "m.compile('adam', 'mse')")) == 2
    assert mutants("learning-rate-extreme", "run(optimizer='adam')") == []


def test_an_optimizer_that_is_handed_on_is_changed_where_it_is_named_but_not_as_a_default() -> None:
    source = "def run(name='adam'): pass\nrun('adam')\nfor name in ['SGD']: run(name)"
    made = mutants("optimizer-changed", source)
    assert ["run('sgd')" in made[0], "['Adam']" in made[1], len(made)] == [True, True, 2]
    assert mutants("optimizer-changed", "run(optimizers.RMSprop(r))") == ["run(optimizers.Adam(r))"]


def test_a_split_holds_out_twice_as_much_or_learns_from_what_it_held_out() -> None:
    assert mutants("split-changed", "a, b, c, d = train_test_split(x, y, test_size=0.2)") == [
        "a, b, c, d = train_test_split(x, y, test_size=0.4)",
        "b, a, d, c = train_test_split(x, y, test_size=0.2)",
    ]


def test_a_solver_stops_after_a_step_and_its_table_may_be_cut() -> None:
    assert mutants("epochs-removed", "m = LogisticRegression(max_iter=30)") == [
        "m = LogisticRegression(max_iter=1)"
    ]
    short = shortened(notebook("X, y = fetch_openml('mnist_784')"), Validation(images=9))
    assert short.cells[0].source.endswith("\nX, y = (X[:9], y[:9])")


def test_an_optimizer_is_changed_only_where_the_lab_asks_for_one() -> None:
    tree = ast.parse(NETWORK)
    context = training.context_of([tree], optimizer_asked=False)
    assert list(training.OPERATORS["optimizer-changed"](list(slots(tree)), context)) == []


def test_a_shortened_reference_trains_less_and_is_otherwise_the_same() -> None:
    reference = notebook(
        "(x, y), (u, v) = mnist.load_data()",
        "EPOCHS = 9\ndef run(epochs=7): pass",
        "model.fit(x, y, epochs=10)\nother.fit(x, y, epochs=1)",
        "%matplotlib inline",
    )
    short = shortened(reference, Validation(epochs=2, images=100))
    assert [cell.source for cell in short.cells] == [
        "(x, y), (u, v) = mnist.load_data()\nx, y = (x[:100], y[:100])",
        "EPOCHS = 2\n\ndef run(epochs=2):\n    pass",
        "model.fit(x, y, epochs=2)\nother.fit(x, y, epochs=1)",
        "%matplotlib inline",
    ]
    assert shortened(reference, Validation()) is reference


def test_a_change_is_told_in_one_line_however_long_its_own_line_is() -> None:
    long = f"y = f({', '.join(f'a{number}' for number in range(40))})"
    told = first_difference(f"a = 1\n{long}", f"a = 1\n{long.replace('a20', 'b20')}")
    assert told == "… a17, a18, a19, a20, a21, a22, a … → … a17, a18, a19, b20, a21, a22, a …"
    assert first_difference("x = 1\ny = 2", "x = 3\ny = 4") == "x = 1 → x = 3 (and 1 more)"


names = st.sampled_from(["x", "y", "n"])
numbers = st.integers(0, 300).map(str)
expressions = st.recursive(
    names | numbers | st.just("x.shape[0]"),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "@", "//", "**"]), inner).map(
            lambda parts: f"({parts[0]} {parts[1]} {parts[2]})"
        ),
        st.tuples(inner, inner).map(lambda parts: f"np.dot({parts[0]}, {parts[1]})"),
        st.tuples(inner, inner).map(lambda parts: f"({parts[0]} if n > {parts[1]} else x)"),
        inner.map(lambda part: f"x.sum(axis=1)[: {part}]"),
        inner.map(lambda part: f"(not -len({part}))"),
    ),
    max_leaves=8,
)


@given(expressions, expressions)
def test_every_mutant_of_any_function_is_another_program_that_compiles(a: str, b: str) -> None:
    source = ast.unparse(ast.parse(f"def f(x, y, n):\n    z = {a}\n    return {b}"))
    for operator in OPERATORS:
        for text in mutants(operator, source):
            assert text != source
            compile(text, "<mutant>", "exec")
            assert first_difference(source, text) != "nothing"
