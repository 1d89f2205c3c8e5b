"""What answers a form that was sent: the page that shows what became of it, or every rule that said no."""

from starlette.responses import Response

from services.board.doors.answers import Refused
from services.board.frame import parts
from services.board.frame.document import show
from services.board.frame.visit import Visit
from services.board.paper.markup import el

SEE_OTHER = 303
CONFLICT = 409


def refusal(visit: Visit, refused: Refused, back: str = "/company") -> Response:
    """Every rule that said no, and the way back."""
    title = visit.words("refused_title")
    return show(
        visit,
        title,
        el("h1", title),
        parts.violations(visit, refused.violations),
        el("p", el("a", visit.words("back_to_company"), href=back)),
        status=CONFLICT,
        live=False,
    )
