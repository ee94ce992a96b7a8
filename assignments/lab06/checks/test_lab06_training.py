"""Public checks of lab06: the two optimizers, the changed pictures, and the figures.

How pictures are changed is free: random layers in the network, a mapped data set, a generator, or
copies made by hand. It is seen by what reached the training.
"""

import re

import pytest

from grader import data
from grader.checks import augmented, expect
from grader.checks.compared import asked
from grader.checks.fresh import trained_again
from grader.checks.matrices import orientation
from grader.checks.pictures import pictures_of
from grader.checks.running import fail_with_fault
from grader.diagnosis.source import Source

EPOCHS = 10
GENERATOR = re.compile(r"ImageDataGenerator|Random(?:Rotation|Translation|Zoom)")
IN_WORDS = {"rotation": "turning", "shift": "shifting", "zoom": "zooming"}


@pytest.fixture
def with_rmsprop(evidence, submission):
    """The trainings with RMSprop that ended without an error."""
    return trainings(evidence, submission, "RMSprop")


def trainings(evidence, submission, optimizer):
    """Trainings with an optimizer; an own loop does not say which, so its program has to."""
    named = f"{optimizer}(" in submission.source
    return [
        fit
        for fit in evidence.fits
        if fit.fault is None
        and (uses(fit, optimizer) if fit.compiled else fit.how == "tape" and named)
    ]


def uses(fit, optimizer):
    return fit.compiled is not None and fit.compiled.optimizer == optimizer


def network_of(networks, fits):
    """The network that most of these trainings trained, or None."""
    trained = [one for one in networks if fits and one.model.facts.id == fits[-1].model]
    return trained[-1] if trained else None


# ---------------------------------------------------------------- the two optimizers


@pytest.mark.needs("network")
def test_rmsprop(evidence, diagnosis, with_rmsprop):
    """A network is trained with RMSprop for at least ten epochs."""
    broken = [fit.fault for fit in evidence.fits if fit.fault and uses(fit, "RMSprop")]
    if broken and not with_rmsprop:
        fail_with_fault(broken[-1], diagnosis, expected="a training that runs to its end")
    used = dict.fromkeys(fit.compiled.optimizer for fit in evidence.fits if fit.compiled)
    expect(
        with_rmsprop,
        observed="the optimizer was " + (", ".join(filter(None, used)) or "another one"),
        expected=f"RMSprop, for at least {EPOCHS} epochs",
        misconception="wrong-optimizer",
        cell=evidence.fits[-1].cell,
        line=evidence.fits[-1].line,
    )
    longest = max(epochs_of(with_rmsprop, model) for model in {f.model for f in with_rmsprop})
    stopped = any((fit.epochs or 0) >= EPOCHS and stops_early(fit) for fit in with_rmsprop)
    expect(
        longest >= EPOCHS or stopped,
        observed=f"the training with RMSprop ended after {longest} epochs",
        expected=f"at least {EPOCHS} epochs",
        misconception="too-few-epochs",
        why="Changed pictures are harder to learn than plain ones, and no two epochs show the same "
        "ones: the network needs more rounds to profit from them.",
        next=f"Train for {EPOCHS} epochs or more; on fewer pictures if it takes too long.",
        earned=0.5 if longest >= EPOCHS / 2 else 0.0,
        cell=with_rmsprop[-1].cell,
        line=with_rmsprop[-1].line,
    )


def epochs_of(fits, model):
    """How many epochs a network was trained for in all; of an own loop nobody counts them."""
    own = [fit for fit in fits if fit.model == model]
    if any(fit.how != "fit" for fit in own):
        return EPOCHS
    return sum(fit.epochs_ran or 0 for fit in own)


def stops_early(fit):
    return any("Stop" in name for name in fit.callbacks)


@pytest.mark.needs("network", "rmsprop")
def test_adam(evidence, submission, networks, with_rmsprop):
    """It is compared with one that was trained with Adam."""
    with_adam = trainings(evidence, submission, "Adam")
    expect(
        with_adam,
        observed="no network was trained with Adam",
        expected="the same network trained with Adam as well, if only for a few epochs",
        misconception="optimizer-missing-from-comparison",
    )
    again = trained_again(evidence, with_adam[-1].model)
    shared = with_adam[-1].model in {fit.model for fit in with_rmsprop}
    expect(
        again is None or not shared,
        observed="one network was trained with both optimizers, the second going on where the "
        "first had stopped",
        expected="a new network for each optimizer",
        misconception="model-reused",
        earned=0.5,
        cell=again.cell if again else None,
        line=again.line if again else None,
    )
    for name, fits in (("RMSprop", with_rmsprop), ("Adam", with_adam)):
        one = network_of(networks, fits)
        expect(
            one is None or asked(one, "held out"),
            observed=f"the network trained with {name} was never asked about held-out pictures",
            expected="a result on held-out pictures for both optimizers",
            why="A comparison needs the same measure on both sides, on pictures that neither "
            "network has learned from.",
            next="Evaluate both networks on the same held-out pictures and show both numbers.",
            earned=0.5,
        )


# ---------------------------------------------------------------- the changed pictures


@pytest.mark.needs("network")
def test_augmentation(evidence, submission, diagnosis, networks, with_rmsprop):
    """Pictures that are changed at random reach the training."""
    fits = with_rmsprop or [fit for fit in evidence.fits if fit.fault is None]
    one = network_of(networks, fits)
    facts = one.model.facts if one else diagnosis_skip()
    diagnosis.expect_none("augmentation-rank", "augmentation-empty", "augmentation-unused")
    diagnosis.expect_none("featurewise-unfit", earned=0.5)
    found = augmented.reached(fits, facts, evidence)
    made = GENERATOR.search(submission.source)
    source = Source(submission)
    expect(
        found or (found is None and augmented.changes_of(fits, facts, evidence, source)),
        observed=f"{made[0]} is in your program, but the network learned from plain pictures"
        if made
        else "the network learned from the pictures as they are in the data",
        expected="training with pictures that are turned, shifted and zoomed at random",
        misconception="augmentation-unused" if made else None,
        why="Whatever makes changed pictures changes nothing by itself: the training has to read "
        "from it."
        if made
        else "A digit that is turned or shifted a little is the same digit. A network that meets "
        "such pictures learns not to mind.",
        next="Follow the pictures from where they are loaded to the first argument of `fit`: where "
        "are they changed?"
        if made
        else "Put random layers at the front of the network, or let training read from a generator "
        "or a data set that changes the pictures.",
        cell=fits[-1].cell,
        line=fits[-1].line,
    )


def diagnosis_skip():
    pytest.skip("not checked yet: it needs a network that was trained")


@pytest.mark.needs("network", "augmentation")
def test_changes(evidence, submission, diagnosis, networks, with_rmsprop):
    """The changes are small rotations, shifts and zooms."""
    fits = with_rmsprop or [fit for fit in evidence.fits if fit.fault is None]
    one = network_of(networks, fits)
    facts = one.model.facts if one else diagnosis_skip()
    found = augmented.changes_of(fits, facts, evidence, Source(submission))
    missing = [IN_WORDS[change] for change in augmented.CHANGES if change not in found]
    expect(
        not missing,
        observed="nothing was found for " + " and ".join(missing),
        expected="rotation, shift and zoom, each by a random amount above 0",
        why="Each of the three stands for something that differs from hand to hand: how a digit "
        "leans, where it stands, how large it is.",
        next="Look through the options or layers that change your pictures: what is missing?",
        earned=(3 - len(missing)) / 3 if missing else 0.0,
    )
    diagnosis.expect_none("digit-breaking-augmentation", earned=0.5)


@pytest.mark.needs("network")
def test_test_untouched(evidence, networks, with_rmsprop):
    """The test pictures stay as they are."""
    fits = with_rmsprop or [fit for fit in evidence.fits if fit.fault is None]
    one = network_of(networks, fits)
    if one is None:
        diagnosis_skip()
    wrong = augmented.altered_tests(one.model.facts, evidence)
    expect(
        not wrong,
        observed="test pictures were changed at random before the network was asked about them",
        expected="test pictures as they are in the data",
        misconception="test-augmented",
        cell=wrong[0].cell if wrong else None,
        line=wrong[0].line if wrong else None,
    )


# ---------------------------------------------------------------- the figures


@pytest.mark.needs("network")
def test_pictures(evidence):
    """Figures show the network's answers beside the truth."""
    labelled = [
        picture
        for figure in evidence.figures
        for picture in pictures_of(figure)
        if picture.digits and truth_of(picture) in (None, *picture.digits)
    ]
    told = [picture for picture in labelled if len(picture.digits) >= 2 or picture.hue is not None]
    expect(
        told or not labelled or matrix_drawn(evidence),
        observed="the pictures bear one digit each: the answer or the truth, but not both",
        expected="both at every picture: what the network says and what is true",
        why="One can only judge an answer with the truth beside it.",
        next="Write two digits into the title of each picture, and say which is which.",
        earned=0.5 if predicted(evidence) else 0.0,
    )
    expect(
        told or matrix_drawn(evidence),
        observed="no figure with answers and truth was found",
        expected="some test pictures, each with the network's answer and the true digit",
        why="A look at single pictures shows what the accuracy hides: which mistakes anybody could "
        "make, and which are strange.",
        next="Draw some test pictures with `imshow`; put the answer and the label in the title.",
    )


def predicted(evidence):
    """Whether a network was asked for answers, and a figure came after it."""
    asked_at = [use.number for use in evidence.uses if use.how in ("predict", "call")]
    return any(figure.number > number for figure in evidence.figures for number in asked_at[:1])


def truth_of(picture):
    return None if picture.row is None else int(data.public_labels("mnist", [picture.row])[0])


def matrix_drawn(evidence):
    """Whether a table of true digits against answers was drawn."""
    return any(
        orientation(values, shape, "mnist")
        for figure in evidence.figures
        for axes in figure.axes
        for shape, values in axes.matrices
        if len(shape) == 2
    )
