"""The ten questions of quiz02; each is right or wrong, and explained at once."""


def test_q1(answers):
    """Question 1: what deep learning is used for here."""
    answers.expect_right("q1")


def test_q2(answers):
    """Question 2: what a neuron does."""
    answers.expect_right("q2")


def test_q3(answers):
    """Question 3: what MNIST holds."""
    answers.expect_right("q3")


def test_q4(answers):
    """Question 4: how train_test_split divides by default."""
    answers.expect_right("q4")


def test_q5(answers):
    """Question 5: why features are scaled."""
    answers.expect_right("q5")


def test_q6(answers):
    """Question 6: the algorithm of the lab without a network."""
    answers.expect_right("q6")


def test_q7(answers):
    """Question 7: what fit does."""
    answers.expect_right("q7")


def test_q8(answers):
    """Question 8: the measure that the lesson reports."""
    answers.expect_right("q8")


def test_q9(answers):
    """Question 9: why a picture is reshaped before it is drawn."""
    answers.expect_right("q9")


def test_q10(answers):
    """Question 10: what max_iter bounds."""
    answers.expect_right("q10")
