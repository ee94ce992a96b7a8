"""Public checks of lab04: dropout acts, and what it does is compared and put into words."""

from pathlib import Path

import pytest

from grader.checks import expect, fail
from grader.checks.compared import HALVES, asked, plausible, shown
from grader.checks.dropout import (
    dropout_rates,
    judged_pair,
    never_in_training_mode,
    parted,
)
from grader.checks.fresh import goes_on, shares_layers, trained_again
from grader.checks.remarks import expect_remark, remarks
from grader.submissions import read

STARTER = Path(__file__).resolve().parent.parent / "starter.ipynb"
ANYTHING_ON_DROPOUT = (r"drop.?\s?out|décroch|abandon|descarte|ausdünn|without it",)


def test_dropout(evidence, submission, diagnosis, networks):
    """A network with dropout between its layers is trained."""
    diagnosis.expect_none("dropout-percent")
    dropping, others = parted(networks, "mnist")
    if not dropping:
        if not networks:
            pytest.skip("not checked yet: it needs a network that was trained")
        for network in others:
            network.diagnosis.expect_none("dropout-drops-all")
        idle = [facts for facts in evidence.models if not facts.trained]
        waiting = next((facts for facts in idle if any(dropout_rates(facts))), None)
        expect(
            waiting is None,
            observed="a network with dropout was built, but never trained",
            expected="both networks trained, the one with dropout and the one without",
            misconception="never-fitted",
            cell=waiting.cell if waiting else None,
            line=waiting.line if waiting else None,
        )
        rates = [rate for network in others for rate in dropout_rates(network.model.facts)]
        fail(
            observed="the rate of every dropout layer is 0"
            if rates
            else "no network that was trained has a dropout layer",
            expected="one network whose dropout layers have a rate between 0 and 1",
            misconception="dropout-missing",
            cell=others[-1].model.facts.cell,
            line=others[-1].model.facts.line,
        )
    network = judged_pair(networks, "mnist")[0]
    network.diagnosis.expect_none("dropout-drops-all", "dropout-after-output")
    fits = network.model.fits
    expect(
        not never_in_training_mode(network, submission),
        observed="the training loop calls the network without `training=True`, and Keras then "
        "drops nothing",
        expected="a network that is told when it trains",
        misconception="dropout-missing",
        next="Tell the network in your training step that it is training.",
        cell=fits[-1].cell if fits else None,
        line=fits[-1].line if fits else None,
    )
    network.diagnosis.expect_none("dropout-keep-probability", earned=0.75)


@pytest.mark.needs("network")
def test_both_trained(evidence, networks):
    """One network with and one without dropout are trained, each from the start."""
    dropping, others = parted(networks, "mnist")
    for network in networks:
        again = trained_again(evidence, network.model.facts.id)
        expect(
            again is None or (dropping and others),
            observed="the same network was trained a second time, from where it had got to",
            expected="two networks, each of which begins to learn from nothing",
            misconception="model-reused",
            cell=again.cell if again else None,
            line=again.line if again else None,
        )
    if not dropping:
        pytest.skip("not checked yet: it needs a network with dropout that was trained")
    expect(
        others,
        observed="no network without dropout was trained to the end",
        expected="two trained networks, alike but for the dropout",
        why="What dropout does can only be seen beside a network that has none.",
        next="Build the network twice and train both in the same way.",
    )
    for one in dropping:
        for other in others:
            first, second = sorted((one, other), key=lambda n: n.model.fits[-1].number)
            shared = shares_layers(first.model.facts, second.model.facts)
            if not (shared and goes_on(first.model.fits, second.model.fits)):
                return
    fit = second.model.fits[0]
    fail(
        observed="the second network has layers of the first, and begins with what those learned",
        expected="two networks, each of which begins to learn from nothing",
        misconception="model-reused",
        earned=0.5,
        cell=fit.cell,
        line=fit.line,
    )


@pytest.mark.needs("network", "both_trained")
def test_compared(evidence, networks):
    """The accuracy on training and on held-out pictures is shown for both networks."""
    lines = plausible(evidence)
    lacking = []
    for group, name in zip(parted(networks, "mnist"), ("with", "without"), strict=True):
        best = min((missing(network, evidence, lines) for network in group), key=len)
        lacking += [(half, name) for half in best]
    if lacking:
        half, name = lacking[0]
        fail(
            observed=f"the accuracy on {half} pictures of the network {name} dropout is not shown",
            expected="four accuracies, printed or drawn: on training and on held-out pictures, "
            "with and without dropout",
            why="Overfitting is the gap between the two: much better on what was learned from "
            "than on what was not.",
            next="Keep pictures aside while you train, or evaluate each network on both kinds, "
            "and show the numbers side by side.",
            earned=(4 - len(lacking)) / 8,
        )


def missing(network, evidence, plausible_numbers):
    """The halves for which nothing shows how well a network does."""
    return [
        half
        for half in HALVES
        if not asked(network, half)
        or not (shown(network, half, evidence) or plausible_numbers >= 4)
    ]


@pytest.mark.needs("network", "both_trained")
def test_conclusion(submission, evidence):
    """What dropout did is said in words."""
    found = remarks(submission, evidence, read(STARTER))
    about = "what dropout does to the accuracy on training and on held-out pictures"
    expect_remark(found, ANYTHING_ON_DROPOUT, about=about)
