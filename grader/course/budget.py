"""How much training a lab allows, from what its own training takes."""

from __future__ import annotations

from grader.course.schema import BudgetTable, LimitsTable
from grader.inside import work
from grader.records.lab import Budget, Limits


def limits_of(limits: LimitsTable, budget: BudgetTable) -> Limits:
    """The bounds on a submission, that on all its trainings among them."""
    return Limits(
        **limits.model_dump(exclude_none=True),
        training_work=training_work(Budget(**budget.model_dump())),
        trainings=budget.trainings,
    )


def training_work(budget: Budget) -> float | None:
    """What all trainings of a submission may take, in the unit of `grader.inside.work`."""
    epochs, images, cost = budget.epochs, budget.images, budget.multiply_adds
    if epochs is None or images is None or cost is None:
        return None
    return budget.times * budget.trainings * work.of_a_training(epochs, images, cost)
