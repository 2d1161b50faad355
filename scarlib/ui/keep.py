"""Keep and share: a consultation as a file and as a link, and the page to take home."""

import logging
import re
from collections.abc import Callable
from html import escape
from urllib.parse import urlsplit

import ipywidgets as w
import traitlets

import scarlib
from scarlib.errors import ClientError
from scarlib.planning import to_csv, to_ics
from scarlib.record import MAX_FILE, Record
from scarlib.ui.boxes import choice, column, row, text
from scarlib.ui.downloads import download
from scarlib.ui.model import SAID, Answers
from scarlib.ui.parts import follow

log = logging.getLogger(__name__)
_DECISIONS = (
    ("Nothing said: tick it on paper", ""),
    ("This plan is chosen", "chosen"),
    ("Not decided yet", "undecided"),
    ("No treatment", "no_treatment"),
)
_KEPT = ("options", "compared", "planned", "starts_on", "ready_by", "menu")


def keep(answers: Answers, dashboard: str = "") -> w.VBox:
    """Save the answers as a file, open such a file or a link, and a link to the same answers in the dashboard, whose
    address is `dashboard` ("" = this page's own)."""
    upload = w.FileUpload(accept=".json", multiple=False, description="Open a saved file", tooltip="Open a saved file")
    link = w.Text(description="Open a link that holds answers", placeholder="paste it here", continuous_update=False)

    said = text()

    def told(words: str) -> None:
        said.value = f'<p class="opened">{escape(words)}</p>'

    def chosen(_: object) -> None:
        if upload.value:
            file = upload.value[0]
            upload.value = ()
            text = bytes(file["content"][: 4 * MAX_FILE]).decode("utf-8-sig", errors="replace")
            told(_open(answers, lambda: Record.from_json(text, answers.evidence.tables)))

    def pasted(_: object) -> None:
        if link.value.strip():
            told(_open(answers, lambda: Record.from_link(link.value, answers.evidence.tables)))
            link.value = ""

    answers.observe(lambda _: said.set_trait("value", ""), names=_KEPT)
    upload.observe(chosen, names="value")
    link.observe(pasted, names="value")
    boxes = row([upload.add_class("control-file"), link.add_class("question").add_class("control-link")], "opening")
    return column([follow(answers, _KEPT, lambda: _kept(answers.record, dashboard)), boxes, said])


def _kept(record: Record, dashboard: str) -> str:
    file = download("Save these answers as a file", "acne-scar-answers.json", "application/json", record.to_json())
    address = escape(f"{dashboard}#{record.to_link()}", quote=True)
    own = f' data-kept="#{record.to_link(menu=True)}"' if record.menu else ""  # for this tab, when it is loaded again
    return (
        f'<h3 class="kept">Keep or share these answers</h3><p>{file}</p>'
        f'<p><a class="share" href="{address}"{own}>Link to these answers</a>: copy it, or open it to come back to '
        "them.</p>"
        "<p>Both hold your answers, your health too, and what you compare and plan. They hold no name, and not what "
        "was decided or is unclear to you. Whoever has the file or the link can read them. The link’s part after # "
        f"is not sent to any server.</p>{_where(dashboard)}"
    )


def _where(dashboard: str) -> str:
    """Where the link leads, for who shares it from a notebook."""
    host = urlsplit(dashboard).hostname
    if host is None:
        return ""
    said = f"The link opens the dashboard at {escape(dashboard)}"
    if host in ("localhost", "127.0.0.1", "::1"):
        said += (
            ", on this computer only, while it runs there. For a client’s phone, name your clinic’s own: "
            '<code>Consultation(tables, dashboard="https://…")</code>'
        )
    return f"<p>{said}.</p>"


def _open(answers: Answers, read: Callable[[], Record]) -> str:
    """Open a record; what cannot be opened leaves everything as it was, and says why. Returns what to say beside it."""
    try:
        record = read()
        answers.open(record)
    except ClientError as error:
        shown = " ".join(error.problems[:5]) + (" And more." if len(error.problems) > 5 else "")
        shown = re.sub(r"^(link|consultation): ", "It ", shown)
        answers.notice = f"This could not be opened, and nothing was changed. {shown}"
    except Exception:  # a viewer gets a sentence, the log the cause
        log.exception("a record could not be opened")
        answers.notice = "This could not be opened, and nothing was changed. Ask for it again, or start without it."
    else:
        other = record.menu and record.menu != answers.menu
        answers.notice = f"It was made with the menu {record.menu}. Costs may differ without it." if other else ""
        return f"Opened. The whole page now follows these answers. {answers.notice}"
    return answers.notice


def take_home(answers: Answers) -> w.VBox:
    """The files to take home, made when they are asked for: the page, and the visits as a calendar and as a table."""
    decision = choice("What was decided?", _DECISIONS, "control-decision")
    unclear = w.Textarea(description="What is still unclear to you? (no names, please)", rows=2).add_class("question")
    traitlets.link((answers, "decision"), (decision, "value"))
    traitlets.link((answers, "unclear"), (unclear, "value"))
    make = w.Button(description="Make the files to take home").add_class("control-report")
    made = text()

    def asked(_: object) -> None:
        try:
            made.value = _files(answers)
        except ClientError as error:
            said = re.sub(r"\bunclear: is", "What is still unclear is", " ".join(error.problems))
            made.value = f'<p class="problem" role="alert">{escape(said)}</p>'
        except Exception:  # a viewer gets a sentence, the log the cause
            log.exception("the files could not be made")
            made.value = '<p class="problem" role="alert">The files could not be made. Please change an answer.</p>'

    def outdated(_: object) -> None:
        made.value = ""

    make.on_click(asked)
    answers.observe(outdated, names=["options", "compared", "plan", "empty", *SAID])
    lead = (
        "<p>Two or three pages for paper, four where there is much to tell: your answers, the options, the plan with "
        "its dates, what to do afterwards, what can go wrong, what is not known, and questions to ask. Where visits "
        "are planned, a file for your calendar and a table too. No name is in them.</p>"
    )
    asking = row([decision, unclear.add_class("control-unclear")], "filters")
    return column([text(lead), asking, row([make], "buttons"), made])


def _files(answers: Answers) -> str:
    decision = answers.decision
    if answers.empty:
        raise ClientError([answers.empty])
    if answers.plan_problem and decision != "no_treatment":
        raise ClientError([answers.plan_problem])
    plan = answers.plan if decision != "no_treatment" else None
    if decision == "chosen" and plan is None:
        raise ClientError(["Nothing is planned that could be chosen. Say under “What was decided?” what is true."])
    page = scarlib.report(
        answers.client,
        plan,
        answers.evidence.tables,
        considered=answers.compared,
        decision=decision,
        unclear=answers.unclear.strip(),
    )
    links = [download("The page to read or print", "acne-scar-plan.html", "text/html", page)]
    if plan is not None and not plan.visits.empty:
        links.append(download("Visits for a calendar", "acne-scar-visits.ics", "text/calendar", to_ics(plan)))
        links.append(download("Visits as a table", "acne-scar-visits.csv", "text/csv", to_csv(plan)))
    items = "".join(f"<li>{link}</li>" for link in links)
    return f"<div role='status'><p>Made. A plan to talk over, not a booking.</p><ul class='files'>{items}</ul></div>"
