"""A conversation, one line at a time: what was said in, what to show and to ask next out. No clock, no terminal.

A line is a command, an answer to what was asked, or a sentence that amends what stands, in this order. What is not
understood changes nothing, and is said so. Every line that is understood can be undone, back to the first.
"""

import re
from collections.abc import Mapping

from msgspec import structs

from ffgen.chat import commands
from ffgen.chat.changes import changes
from ffgen.chat.hear import answered, hear
from ffgen.chat.heard import LEAVE, Heard
from ffgen.chat.plain import cleaned
from ffgen.chat.questions import (
    MOST_ASKED, asked_of, chosen, in_order, is_still_open, of_draft, says, sentence_of, settled,
)  # fmt: skip
from ffgen.chat.standing import Asking, Part, Reply, Standing, Talk, Tools
from ffgen.draft.drafting import Draft
from ffgen.draft.words import number_of_rows
from ffgen.errors import UsageError
