"""What `import ffgen` offers, and where each of it lives: verbs are in the rooms of this package, values where made.

A verb is short; the floors below do the work. Nothing here prints, prompts, colours or exits. Everything works inline
in a plain script or a notebook.
"""

from ffgen.api.drafts import Drafting as Drafting
from ffgen.api.drafts import chat as chat
from ffgen.api.drafts import chats as chats
from ffgen.api.drafts import delete_chat as delete_chat
from ffgen.api.drafts import draft as draft
from ffgen.api.drafts import export_chat as export_chat
from ffgen.api.reading import Source as Source
from ffgen.api.results import explain as explain
from ffgen.api.results import explain_refused as explain_refused
from ffgen.api.results import validate as validate
from ffgen.api.runs import destinations as destinations
from ffgen.api.runs import refresh as refresh
from ffgen.api.runs import run as run
from ffgen.api.specs import check as check
from ffgen.api.specs import describe as describe
from ffgen.api.specs import load as load
from ffgen.api.specs import plan as plan
from ffgen.api.specs import schema as schema
from ffgen.api.specs import types as types
from ffgen.chat.chat import Chat as Chat
from ffgen.chat.sessions import ChatView as ChatView
from ffgen.chat.standing import Asking as Asking
from ffgen.chat.standing import Reply as Reply
from ffgen.draft.drafting import Draft as Draft
from ffgen.draft.drafting import Question as Question
from ffgen.errors import Finding as Finding
from ffgen.plan.compile import Plan as Plan
from ffgen.plan.estimate import FieldView as FieldView
from ffgen.plan.estimate import PlanView as PlanView
from ffgen.plan.kinds import KindView as KindView
from ffgen.plan.kinds import ParameterView as ParameterView
from ffgen.run.cache import CacheView as CacheView
from ffgen.run.cache import measure_cache as measure_cache
from ffgen.run.cache import purge_cache as purge_cache
from ffgen.run.explain.story import Explanation as Explanation
from ffgen.run.explain.story import FieldStory as FieldStory
from ffgen.run.explain.story import Refusals as Refusals
from ffgen.run.explain.story import RefusedRows as RefusedRows
from ffgen.run.frames import Frames as Frames
from ffgen.run.freshness import Refreshed as Refreshed
from ffgen.run.ledger import is_fresh as is_fresh
from ffgen.run.report import ProcessUse as ProcessUse
from ffgen.run.report import Progress as Progress
from ffgen.run.report import Refusal as Refusal
from ffgen.run.report import Report as Report
from ffgen.run.status import RunView as RunView
from ffgen.run.status import status as status
from ffgen.run.validate import Fault as Fault
from ffgen.run.validate import TableValidity as TableValidity
from ffgen.run.validate import Validity as Validity
from ffgen.run.verify import FileCheck as FileCheck
from ffgen.run.verify import Verification as Verification
from ffgen.run.verify import verify as verify
from ffgen.spec.model import Spec as Spec
