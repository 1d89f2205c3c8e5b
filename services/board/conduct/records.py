"""Operators' records about companies: the form of each, what it would bring, and the sending of just that."""

from collections.abc import Mapping
from uuid import uuid4

from starlette.responses import RedirectResponse, Response

from services.board.conduct.arrears import Arrears, Paid
from services.board.conduct.exemption import Exempted
from services.board.conduct.judgement import COMPANY_CHARACTERS_MAX, Judgement
from services.board.conduct.misuse import MisuseFound, MisuseLifted
from services.board.conduct.strikes import Forgiven
from services.board.conduct.trainings import Trained, Untrained
from services.board.doors.answers import Forbidden, Missing, Refused, Unavailable
from services.board.frame import parts
from services.board.frame.answering import CONFLICT, SEE_OTHER, refusal
from services.board.frame.document import hidden, show
from services.board.frame.fields import text_field
from services.board.frame.sending import enclosed, opened, unknown
from services.board.frame.visit import Visit, address, read_sealed_form
from services.board.paper.markup import Content, Markup, el

RECORDS: Mapping[str, Judgement] = {
    each.name: each
    for each in (
        Arrears(),
        Paid(),
        MisuseFound(),
        MisuseLifted(),
        Exempted(),
        Forgiven(),
        Trained(),
        Untrained(),
    )
}
ASKED = "asked"
"""The field that says that somebody filled the form in, and did not just come to it."""


async def ask(visit: Visit) -> Response:
    """The form of a record, and what it would bring once it is filled in. Raises `Forbidden` and `Missing`."""
    judgement, fields = _chosen(visit), dict(visit.request.query_params)
    words, name = visit.words, judgement.name
    title, asked = words(f"judge_{name}_title"), bool(fields.get(ASKED))
    still = [el("h1", title), el("p", words(f"judge_{name}_told"), class_="away"), _form(visit, judgement, fields)]
    found = await _effect(visit, judgement, fields) if asked else None
    return show(visit, title, found, still=still, live=asked)


async def send(visit: Visit) -> Response:
    """A record that was seen and sent. Raises `Forbidden`, and `Missing` for no record."""
    judgement, fields = _chosen(visit), await read_sealed_form(visit)
    request, company, words = opened(fields, judgement.kind), fields.get("company", ""), visit.words
    back = address("/company", company=company)
    try:
        await visit.caller.ask(getattr(visit.caller.scheduler, judgement.method), request)
    except Refused as refused:
        return refusal(visit, refused, back)
    except Missing as missing:
        title = words("refused_title")
        return show(visit, title, el("h1", title), _absent(visit, missing), status=CONFLICT, live=False)
    except Unavailable:
        return unknown(visit, f"/conduct/{judgement.name}", request, hidden("company", company))
    return RedirectResponse(address("/company", company=company, done=judgement.name), status_code=SEE_OTHER)


def _chosen(visit: Visit) -> Judgement:
    if not visit.person.operates:
        raise Forbidden
    judgement = RECORDS.get(visit.request.path_params["record"])
    if judgement is None:
        raise Missing("There is no such record.")
    return judgement


def _form(visit: Visit, judgement: Judgement, fields: Mapping[str, str]) -> Markup:
    words, company = visit.words, fields.get("company", "")
    return el(
        "form",
        hidden(ASKED, "1"),
        el(
            "div",
            text_field(words("whose_company"), "company", company, required=True, maxlength=COMPANY_CHARACTERS_MAX),
            judgement.drawn(visit, fields),
            class_="fields",
        ),
        el(
            "p",
            el("button", words("judge_try")),
            " ",
            el("span", words("footer_zone", zone=visit.clock.zone_name()), class_="away"),
        ),
        method="get",
        action=f"/conduct/{judgement.name}",
        class_="search",
    )


async def _effect(visit: Visit, judgement: Judgement, fields: Mapping[str, str]) -> Content:
    """What it would bring, with the button that sends it; or why it would be refused."""
    words, faults = visit.words, list[str]()
    request = judgement.read(visit, fields, faults)
    if faults:
        return [parts.note(fault, "bad") for fault in faults]
    request.validate_only, request.request_id = True, str(uuid4())
    try:
        after = await visit.caller.ask(getattr(visit.caller.scheduler, judgement.method), request)
    except Refused as refused:
        return parts.section(words("judge_refused"), parts.violations(visit, refused.violations))
    except Missing as missing:
        return parts.note(
            words("no_such_company" if missing.reason == "COMPANY_NOT_FOUND" else "no_such_record"), "bad"
        )
    request.validate_only, request.request_id = False, str(uuid4())
    company = fields.get("company", "").strip()
    button = el("button", words(f"judge_{judgement.name}_send"), class_="bad" if judgement.harsh else None)
    sent = enclosed(visit, f"/conduct/{judgement.name}", request, hidden("company", company), button, class_="send")
    return parts.section(words("judge_effect", company=company), await judgement.effect(visit, request, after), sent)


def _absent(visit: Visit, missing: Missing) -> Markup:
    """What of a record there is not: the company, or what it is about."""
    key = "no_such_company" if missing.reason == "COMPANY_NOT_FOUND" else "no_such_record"
    return parts.note(visit.words(key), "bad")
