"""Small changes to a function's source, as a slip of the pen or of the mind would make them.

An operator takes a place in the tree and gives what might stand there instead. Changes that can be
known to change nothing (a swapped `np.maximum`, times one) are not made.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from grader.validation.trees import Slot, called

Operator = Callable[[Slot], Iterator[ast.AST | None]]

COMMUTATIVE = frozenset(
    "maximum minimum add multiply max min equal not_equal isclose array_equal hypot gcd lcm "
    "logical_and logical_or logical_xor union1d intersect1d bitwise_and bitwise_or".split()
)
STAND_INS = MappingProxyType(
    {
        "maximum": "minimum",
        "minimum": "maximum",
        "max": "min",
        "min": "max",
        "sum": "mean",
        "mean": "sum",
        "argmax": "argmin",
        "argmin": "argmax",
        "zeros": "ones",
        "ones": "zeros",
        "any": "all",
        "all": "any",
        "exp": "sqrt",
        "log": "sqrt",
    }
)
ARITHMETIC: Mapping[type[ast.operator], type[ast.operator]] = MappingProxyType(
    {
        ast.Add: ast.Sub,
        ast.Sub: ast.Add,
        ast.Mult: ast.Div,
        ast.Div: ast.Mult,
        ast.FloorDiv: ast.Div,
        ast.Mod: ast.FloorDiv,
        ast.Pow: ast.Mult,
        ast.MatMult: ast.Mult,
        ast.BitAnd: ast.BitOr,
        ast.BitOr: ast.BitAnd,
    }
)
COMPARISONS: Mapping[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = MappingProxyType(
    {
        ast.Lt: (ast.LtE, ast.GtE),
        ast.LtE: (ast.Lt, ast.Gt),
        ast.Gt: (ast.GtE, ast.LtE),
        ast.GtE: (ast.Gt, ast.Lt),
        ast.Eq: (ast.NotEq,),
        ast.NotEq: (ast.Eq,),
        ast.In: (ast.NotIn,),
        ast.NotIn: (ast.In,),
        ast.Is: (ast.IsNot,),
        ast.IsNot: (ast.Is,),
    }
)
KEPT = (
    *(ast.Return, ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom),
    *(ast.Pass, ast.Global, ast.Nonlocal),
)
UNSWAPPED = (ast.Add, ast.Mult, ast.BitAnd, ast.BitOr, ast.BitXor)
TEXTUAL = (ast.List, ast.Tuple, ast.JoinedStr, ast.ListComp, ast.Dict, ast.Set)
TINY = 1e-4
"""A constant this small guards against a division by zero; another guard does as well."""


def number_of(node: ast.AST | None) -> int | float | None:
    """The value of a plain number, signed or not; None for anything else, True and False too."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = number_of(node.operand)
        return None if value is None else -value
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return node.value  # type: ignore[return-value]
    return None


def _is_shape_index(slot: Slot) -> bool:
    """Whether this is the 0 of `x.shape[0]`."""
    above = slot.parent
    return (
        isinstance(above, ast.Subscript)
        and slot.field == "slice"
        and isinstance(above.value, ast.Attribute)
        and above.value.attr == "shape"
    )


def _other_axis(node: ast.AST) -> ast.expr | None:
    value = number_of(node)
    return None if value is None else ast.Constant(1 if value == 0 else 0)


def axis_changed(slot: Slot) -> Iterator[ast.AST | None]:
    """Another axis: of a reduction, of a new axis, of a shape; a transpose forgotten."""
    node = slot.node
    if isinstance(node, ast.keyword) and node.arg == "axis":
        if (other := _other_axis(node.value)) is not None:
            yield ast.keyword("axis", other)
        yield None
    elif isinstance(node, ast.Tuple) and isinstance(slot.parent, ast.Subscript):
        texts = [ast.unparse(item) for item in node.elts]
        if any(text in ("None", "newaxis") or text.endswith(".newaxis") for text in texts):
            yield ast.Tuple(list(reversed(node.elts)), node.ctx)
    elif isinstance(node, ast.Attribute) and node.attr == "T":
        yield node.value
    elif _is_shape_index(slot) and (other := _other_axis(node)) is not None:
        yield other


def _is_axis(slot: Slot) -> bool:
    return isinstance(slot.parent, ast.keyword) and slot.parent.arg == "axis"


def constant_changed(slot: Slot) -> Iterator[ast.AST | None]:
    """Another number: twice as large, 1 for 0; False for True."""
    node = slot.node
    if not isinstance(node, ast.Constant) or _is_axis(slot) or _is_shape_index(slot):
        return
    if isinstance(node.value, bool):
        yield ast.Constant(not node.value)
        return
    value = number_of(node)
    # A minus belongs to its number: −1 in a reshape is a word, not a value.
    if value is None or isinstance(slot.parent, ast.UnaryOp) or 0 < abs(value) <= TINY:
        return
    yield ast.Constant(1 if value == 0 else 2 * value)


def _is_bound(slot: Slot) -> bool:
    """Whether this bounds a slice, ends a range or counts."""
    above = slot.parent
    if isinstance(above, ast.Slice):
        return slot.field in ("lower", "upper")
    if isinstance(above, ast.Call) and slot.field == "args":
        return called(above) in ("range", "arange")
    return False


def off_by_one(slot: Slot) -> Iterator[ast.AST | None]:
    """One more or one less: in an index, a bound of a slice or range, a length, a count."""
    node, value = slot.node, number_of(slot.node)
    if isinstance(slot.parent, ast.UnaryOp) or _is_axis(slot) or _is_shape_index(slot):
        return
    if isinstance(value, int):
        if isinstance(slot.parent, ast.BinOp | ast.Subscript | ast.Call) or _is_bound(slot):
            if not (isinstance(node, ast.UnaryOp) and isinstance(slot.parent, ast.Call)):
                yield ast.Constant(value + 1)
            if isinstance(slot.parent, ast.BinOp):
                yield ast.Constant(value - 1)
    elif isinstance(node, ast.expr) and (
        _is_bound(slot) or (isinstance(node, ast.Call) and called(node) == "len")
    ):
        yield ast.BinOp(node, ast.Sub(), ast.Constant(1))


def comparison_changed(slot: Slot) -> Iterator[ast.AST | None]:
    """The boundary on the other side, the opposite question, `or` for `and`, `not` forgotten."""
    node = slot.node
    if isinstance(node, ast.Compare):
        for place, operator in enumerate(node.ops):
            for other in COMPARISONS.get(type(operator), ()):
                ops = [*node.ops[:place], other(), *node.ops[place + 1 :]]
                yield ast.Compare(node.left, ops, node.comparators)
    elif isinstance(node, ast.BoolOp):
        other_word = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield ast.BoolOp(other_word, node.values)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node.operand


def _changes_nothing(operator: ast.operator, left: ast.expr, right: ast.expr) -> bool:
    """Whether the swapped sign gives the same: ± 0, times or divided by 1, joined texts."""
    neutral = 0 if isinstance(operator, ast.Add | ast.Sub) else 1
    texts = any(
        isinstance(item, TEXTUAL)
        or (isinstance(item, ast.Constant) and isinstance(item.value, str))
        for item in (left, right)
    )
    return texts or number_of(right) == neutral


def arithmetic_swapped(slot: Slot) -> Iterator[ast.AST | None]:
    """Minus for plus, times for divided by, element by element for a product of matrices."""
    node = slot.node
    if isinstance(node, ast.BinOp) and (other := ARITHMETIC.get(type(node.op))):
        if not _changes_nothing(node.op, node.left, node.right):
            yield ast.BinOp(node.left, other(), node.right)
    elif isinstance(node, ast.AugAssign) and (other := ARITHMETIC.get(type(node.op))):
        if number_of(node.value) != (0 if isinstance(node.op, ast.Add | ast.Sub) else 1):
            yield ast.AugAssign(node.target, other(), node.value)
    elif (
        isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and number_of(node) is None
    ):
        yield node.operand


def function_swapped(slot: Slot) -> Iterator[ast.AST | None]:
    """A neighbour of the function that is called: the least for the largest, a mean for a sum."""
    node = slot.node
    if not isinstance(node, ast.Call) or called(node) not in STAND_INS:
        return
    other = STAND_INS[called(node)]
    if isinstance(node.func, ast.Attribute):
        changed: ast.expr = ast.Attribute(node.func.value, other, node.func.ctx)
    elif other in ("min", "max", "any", "all"):
        changed = ast.Name(other, ast.Load())
    else:
        return
    yield ast.Call(changed, node.args, node.keywords)


def dropped_statement(slot: Slot) -> Iterator[ast.AST | None]:
    """A line forgotten."""
    if slot.field not in ("body", "orelse") or not isinstance(slot.node, ast.stmt):
        return
    if not isinstance(slot.node, KEPT):
        yield ast.Pass()


def argument_order_swapped(slot: Slot) -> Iterator[ast.AST | None]:
    """Neighbours changed over: arguments, parameters, operands, what a tuple returns."""
    node = slot.node
    if isinstance(node, ast.Call) and called(node) not in COMMUTATIVE:
        for args in _swaps(node.args):
            yield ast.Call(node.func, args, node.keywords)
    elif isinstance(node, ast.BinOp) and not isinstance(node.op, UNSWAPPED):
        if ast.unparse(node.left) != ast.unparse(node.right):
            yield ast.BinOp(node.right, node.op, node.left)
    elif isinstance(node, ast.Tuple) and isinstance(slot.parent, ast.Return):
        for items in _swaps(node.elts):
            yield ast.Tuple(items, node.ctx)
    elif isinstance(node, ast.arguments) and len(node.args) > 1 and not node.defaults:
        for place in range(len(node.args) - 1):
            swapped = list(node.args)
            swapped[place], swapped[place + 1] = swapped[place + 1], swapped[place]
            yield ast.arguments(
                posonlyargs=node.posonlyargs,
                args=swapped,
                vararg=node.vararg,
                kwonlyargs=node.kwonlyargs,
                kw_defaults=node.kw_defaults,
                kwarg=node.kwarg,
                defaults=[],
            )


def _swaps(items: list[ast.expr]) -> Iterator[list[ast.expr]]:
    """The list with each two neighbours changed over that read differently."""
    for place in range(len(items) - 1):
        first, second = items[place : place + 2]
        starred = isinstance(first, ast.Starred) or isinstance(second, ast.Starred)
        if not starred and ast.unparse(first) != ast.unparse(second):
            yield [*items[:place], second, first, *items[place + 2 :]]


def returned_value_dropped(slot: Slot) -> Iterator[ast.AST | None]:
    """The answer computed and not given back."""
    node = slot.node
    if isinstance(node, ast.Return) and node.value is not None:
        yield ast.Expr(node.value)


OPERATORS: Mapping[str, Operator] = MappingProxyType(
    {
        "axis-changed": axis_changed,
        "constant-changed": constant_changed,
        "comparison-changed": comparison_changed,
        "off-by-one": off_by_one,
        "arithmetic-swapped": arithmetic_swapped,
        "function-swapped": function_swapped,
        "dropped-statement": dropped_statement,
        "argument-order-swapped": argument_order_swapped,
        "returned-value-dropped": returned_value_dropped,
    }
)
