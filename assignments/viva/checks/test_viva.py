"""The questions of the viva; a person gives the points of each."""


def test_q1(answers):
    """Question 1: what Flatten does."""
    answers.expect_marked("q1")


def test_q2(answers):
    """Question 2: softmax at the output."""
    answers.expect_marked("q2")


def test_q3(answers):
    """Question 3: sparse and plain categorical cross-entropy."""
    answers.expect_marked("q3")


def test_q4(answers):
    """Question 4: validation_split and a growing gap."""
    answers.expect_marked("q4")


def test_q5(answers):
    """Question 5: Adam and plain SGD."""
    answers.expect_marked("q5")


def test_q6(answers):
    """Question 6: inputs near zero."""
    answers.expect_marked("q6")


def test_q7(answers):
    """Question 7: shapes after loading and after one-hot."""
    answers.expect_marked("q7")


def test_q8(answers):
    """Question 8: what batching buys."""
    answers.expect_marked("q8")


def test_q9(answers):
    """Question 9: one-hot and integer labels."""
    answers.expect_marked("q9")


def test_q10(answers):
    """Question 10: what broadcasting does to the bias."""
    answers.expect_marked("q10")


def test_q11(answers):
    """Question 11: why a linear model is not enough."""
    answers.expect_marked("q11")


def test_q12(answers):
    """Question 12: what makes a model complex."""
    answers.expect_marked("q12")


def test_q13(answers):
    """Question 13: under-, good and over-fit in a picture."""
    answers.expect_marked("q13")


def test_q14(answers):
    """Question 14: why accuracy is no loss."""
    answers.expect_marked("q14")


def test_q15(answers):
    """Question 15: what replaces squared error for classes."""
    answers.expect_marked("q15")


def test_q16(answers):
    """Question 16: ReLU and sigmoid, and a dead ReLU."""
    answers.expect_marked("q16")


def test_q17(answers):
    """Question 17: what hidden layers learn."""
    answers.expect_marked("q17")


def test_q18(answers):
    """Question 18: automatic differentiation and gradients by hand."""
    answers.expect_marked("q18")


def test_q19(answers):
    """Question 19: why convolutions need less preprocessing."""
    answers.expect_marked("q19")


def test_q20(answers):
    """Question 20: precision, recall and F1 in words."""
    answers.expect_marked("q20")


def test_q21(answers):
    """Question 21: binary and multi-class confusion matrices."""
    answers.expect_marked("q21")


def test_q22(answers):
    """Question 22: what dropout and augmentation prevent."""
    answers.expect_marked("q22")
