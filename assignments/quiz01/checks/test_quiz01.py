"""The ten questions of quiz01; each is right or wrong, and explained at once."""


def test_q1(answers):
    """Question 1: what the lesson builds."""
    answers.expect_right("q1")


def test_q2(answers):
    """Question 2: why pixels are scaled."""
    answers.expect_right("q2")


def test_q3(answers):
    """Question 3: the activation of the hidden layers."""
    answers.expect_right("q3")


def test_q4(answers):
    """Question 4: what softmax does at the output."""
    answers.expect_right("q4")


def test_q5(answers):
    """Question 5: what argmax gives."""
    answers.expect_right("q5")


def test_q6(answers):
    """Question 6: why MNIST suits beginners."""
    answers.expect_right("q6")


def test_q7(answers):
    """Question 7: what a Dense layer computes."""
    answers.expect_right("q7")


def test_q8(answers):
    """Question 8: good on training data, worse on new data."""
    answers.expect_right("q8")


def test_q9(answers):
    """Question 9: how a network learns."""
    answers.expect_right("q9")


def test_q10(answers):
    """Question 10: what scaling is good for."""
    answers.expect_right("q10")
