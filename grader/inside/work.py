"""How much work a training is, counted so that every machine counts the same.

The unit is one multiply–add of a prediction. What else a training costs (the way back, the
optimizer, the start of a step) is put in the same unit, by measurement on two cores: about four and
a half billion of these take a second there.
"""

from __future__ import annotations

from dataclasses import dataclass

STEP = 5_000_000
"""What a step of any size costs: 1.5 ms."""
PICTURE = 50_000
"""What a picture costs on its way into a batch: 15 µs."""
MADE_ON_THE_WAY = 500_000
"""What it costs to make or change a picture in a generator or a mapped data set: 0.2 ms."""
CHANGED_BY_A_LAYER = 70_000
"""What one random layer costs for a picture: 20 µs."""
USUAL_BATCH = 32
LATER_SHARE = 0.25


def of_a_step(pictures: float, multiply_adds: float) -> float:
    """The work of one step on so many pictures, with so many multiply–adds for each."""
    return STEP + pictures * (PICTURE + multiply_adds)


def of_a_look(pictures: float, multiply_adds: float) -> float:
    """The work of predicting so many pictures, a third of that of learning from them."""
    return pictures * (PICTURE + multiply_adds) / 3


def of_a_training(epochs: int, images: int, multiply_adds: int) -> float:
    """The work of so many epochs over so many pictures, in batches of the usual size."""
    return epochs * images / USUAL_BATCH * of_a_step(USUAL_BATCH, multiply_adds)


@dataclass
class Allowance:
    """The work that all trainings of one submission may do together.

    `work` has equal parts for the `trainings` that the lab asks for, and one more. A training may
    use a part as long as another part is left for those after it; then a quarter of what is left.
    """

    work: float
    trainings: int = 1
    spent: float = 0.0

    @property
    def next(self) -> float:
        """How much work a training that begins now may do."""
        part, left = self.work / (self.trainings + 1), max(self.work - self.spent, 0.0)
        return min(part, max(left - part, LATER_SHARE * left))

    def spend(self, work: float) -> None:
        """Count what a training has done."""
        self.spent += work
