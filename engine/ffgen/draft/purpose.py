"""What the data are for, which is not what they are about: `for my school project`, `we run a small clinic`."""

import re
from collections.abc import Iterator

from ffgen.draft.limits import Norm

_PURPOSE = re.compile(
    r"\b(?:for|in|during|as part of) (?:(?:my|our|his|her|their|some|the|a|an) )?"
    r"(?:(?:(?:my|our) (?:\w+ ){0,3}?(?:project|class|course|lecture|training|talk|report|exam|test|seminar))"
    r"|(?:\w+ ){0,3}?(?:school|class|university|uni|college|student|course|science|learning|research|study|side|hobby"
    r"|pet|demo|test) project"
    r"|(?:\w+ ){0,2}?(?:dashboard|demo|workshop|thesis|homework|hackathon|presentation|prototype|proof of concept|poc"
    r"|tutorial|bootcamp|assignment|showcase|mockup|blog post|load test|unit test|integration test|test case))\b"
)


_CHATTER = re.compile(
    r"\b(?:i|we)(?: m| am| re| are) (?:an? |the )?(?:\w+ ){1,4}?(?:at|in|for|of|from|who|with|and"
    r"|working|,)\b(?:[^.;:!?,\d]{0,60}?(?=[.;:!?\d]|,? (?:and|so|but) ))?"
    r"|\b(?:i|we)(?: m| re| am| are| ve| have been| will| ll| would)? "
    r"(?:teach|run|preparing|prepare|running|testing|building|build|writing|working|work|planning"
    r"|trying|learning|practi[cs]ing"
    r"|studying|developing|demoing|starting|migrating|evaluating|onboarding|giving|holding|organi[sz]ing|love|hate|know"
    r"|think|hope|guess|believe|heard|tried|keep|redesigning|setting up|putting together|rolling out"
    r"|rebuilding|launching)\b"
    r" [^.;:!?\d]{0,140}?(?=[.;:!?(\d]|,? (?:and|so|but|then)(?: i| we| there| it| please| want| need| would)\b"
    r"|,? (?:i|we) (?:need|want|d|would)\b|,? please\b|$)"
)


_EXERCISE = re.compile(
    r"\bfor (?:teaching|testing|learning|practi[cs]ing|training|demoing|showing|trying|load testing"
    r"|benchmarking|exploring) "
    r"[^.:;,]{0,60}?(?= [:.;,])"
)


def purposes(norm: Norm) -> Iterator[tuple[int, int]]:
    """First and last token of every such stretch."""
    for pattern in (_PURPOSE, _CHATTER, _EXERCISE):
        for match in pattern.finditer(norm.text):
            yield norm.span(*match.span())
