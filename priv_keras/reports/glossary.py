"""The meanings of the symbols and names in a report."""

import re
from typing import NamedTuple


class Term(NamedTuple):
    """A symbol or a name, and how to find it in a text."""

    term: str
    pattern: str  # a regular expression
    meaning: str


TERMS = (
    Term(
        "A_T",
        r"\bA_T\b",
        "Utility: how often f_T recognises the action in test clips. Higher is "
        "better.",
    ),
    Term(
        "A_B",
        r"\bA_B\b",
        "Leakage: how well the strongest attacker that was tried reads the "
        "private labels of test clips. Lower is more private. The paper writes "
        "A_B^N for the strongest of N attackers.",
    ),
    Term(
        "attacker",
        r"\b[Aa]ttackers?\b",
        "A network that is trained to read the private labels. Unless another "
        "attack is named, it is trained from scratch on anonymized clips.",
    ),
    Term(
        "floor",
        r"\bfloor(_\w+)?\b",
        "An attacker without deep learning. A network that reads less has "
        "failed to learn, and shows nothing about f_A.",
    ),
    Term(
        "[low, high]",
        r"\[\d\.\d+, \d\.\d+\]",
        "95 % interval. Over several runs (seeds or folds) it is Student's t. "
        "For a single run it is over test videos, and for the strongest of "
        "several attackers it holds for all of them at once; it does not "
        "cover how much another training of the attacker would vary.",
    ),
    Term(
        "chance",
        r"\bchance\b",
        "What a guess reaches without looking at a clip: the share of the "
        "commonest label, or the mean prevalence of the attributes.",
    ),
    Term(
        "raw clips", r"\braw clips\b", "Clips as they were filmed, unprotected."
    ),
    Term("f_A", r"\bf_A\b", "The anonymizer, which filters every frame."),
    Term("f_T", r"\bf_T\b", "The target model, which recognises the action."),
    Term(
        "f_B",
        r"\bf_B\b",
        "A budget model, which reads the private labels while f_A is trained. "
        "It is not one of the attackers.",
    ),
    Term(
        "Entropy",
        r"\bEntropy\b",
        "Trains f_A until f_B is as unsure as possible (Algorithm 3).",
    ),
    Term(
        "GRL",
        r"\bGRL\b",
        "Trains f_A through a gradient reversal layer (Algorithm 1).",
    ),
    Term(
        "K-Beam",
        r"\bK-Beam\b",
        "Trains f_A against the strongest of K budget models (Algorithm 2).",
    ),
    Term(
        "Entropy+, GRL+, K-Beam+",
        r"\b(Entropy|GRL|K-Beam)\+",
        "The same method with restarts: now and then f_B starts again from "
        "fresh weights.",
    ),
    Term("lite", r"\blite\b", "With a smaller f_A than the paper's."),
    Term(
        "K, M",
        r"\b[KM]=\d",
        "Number of budget models that f_A is trained against at once (K for "
        "GRL and K-Beam, M for Entropy).",
    ),
    Term(
        "γ",
        "γ",
        "Weight of privacy against utility while f_A is trained.",
    ),
    Term(
        "downsample_N",
        r"\bdownsample_\d+",
        "Baseline: frames shrunk by a factor of N.",
    ),
    Term(
        "face_…, body_…",
        r"\b(face|body)_(box|segmentation)_",
        "Baseline: detected faces or bodies are blackened or blurred, in their "
        "box or by their outline (segmentation).",
    ),
    Term(
        "cMAP",
        r"\bcMAP\b",
        "Class-based mean average precision: the mean over attributes of their "
        "average precision, from 0 to 1.",
    ),
    Term(
        "average precision",
        r"\b[Aa]verage precision\b",
        "Area under the precision-recall curve of one attribute, from 0 to 1.",
    ),
    Term(
        "retrained",
        r"\bretrained\b",
        "Attackers trained on anonymized clips, as for A_B.",
    ),
    Term(
        "fine_tuned",
        r"\bfine_tuned\b",
        "The budget models of the game, trained further on f_A's output.",
    ),
    Term(
        "static",
        r"\bstatic\b",
        "Attackers trained on raw clips alone, which do not adapt to f_A.",
    ),
    Term(
        "video",
        r"\bvideo\b(?!s)",
        "An attacker that sees a clip as a whole and not frame by frame.",
    ),
    Term(
        "inversion",
        r"\binversion\b",
        "A network learns to restore raw frames, and attackers trained on raw "
        "clips read its output.",
    ),
    Term(
        "0.1 of the labels",
        r"\d of the labels\b",
        "Attackers that know the labels of that share of the training videos, "
        "and of at least one video of each class.",
    ),
    Term("any", r"\bany\b", "The strongest attacker of all attacks."),
    Term(
        "PSNR, SSIM",
        r"\b(PSNR|SSIM)\b",
        "How close restored frames are to raw ones: in decibels, and as a "
        "structural similarity of at most 1. Higher is closer.",
    ),
)


def terms(text):
    """Returns the `TERMS` that a text or their explanations use."""
    found = []
    while True:
        read = " ".join([text, *(term.meaning for term in found)])
        used = [term for term in TERMS if re.search(term.pattern, read)]
        if used == found:
            return found
        found = used
