"""The clinic's own menu: uploaded, checked, laid over the tables, and told as the clinic's own words."""

from html import escape

import ipywidgets as w

from scarlib.errors import DataError
from scarlib.menu import COLUMNS
from scarlib.ui.boxes import column, row, text
from scarlib.ui.cards import clinic
from scarlib.ui.model import Answers
from scarlib.ui.parts import follow

_TOLD = 20  # problems shown at once; the rest is counted


def clinic_menu(answers: Answers) -> w.VBox:
    """Choose a menu's file, see what came of it, and go without it again."""
    upload = w.FileUpload(
        accept=".csv,.xlsx", multiple=False, description="Choose the menu’s file", tooltip="Choose the menu’s file"
    )
    remove = w.Button(description="Work without the menu")
    said = text()

    def chosen(_: object) -> None:
        if not upload.value:
            return
        file = upload.value[0]
        upload.value = ()  # so that the same file, mended, can be chosen again
        try:
            answers.use_menu(bytes(file["content"]), str(file["name"])[:100])
        except DataError as error:
            said.value = _refused(error.problems, answers.menu)
        else:
            said.value = ""

    def removed(_: object) -> None:
        said.value = ""
        answers.drop_menu()

    upload.observe(chosen, names="value")
    remove.on_click(removed)
    shown = follow(answers, ("evidence",), lambda: _laid(answers), whole=False)
    answers.observe(lambda _: setattr(remove, "disabled", not answers.menu), names="menu")
    remove.disabled = not answers.menu
    lead = text(
        "<p>A clinic can lay its own menu over this page: what it offers and what it charges. This moves the cost and "
        "nothing else. No risk, effect or rule follows from a menu. What a clinic says is marked as its own.</p>"
        "<details><summary>What the file holds</summary><p>A CSV or Excel file, one row an offer. The column "
        f"<code>treatment_id</code> has to be there. The others may be left out: "
        f"{', '.join(f'<code>{name}</code>' for name in [*COLUMNS][1:])}.</p></details>"
    )
    buttons = row([upload.add_class("control-menu"), remove], "buttons")
    return column([lead, buttons, said, shown])


def _refused(problems: tuple[str, ...], kept: str) -> str:
    more = f"<p>And {len(problems) - _TOLD:,} more. Mend these first.</p>" if len(problems) > _TOLD else ""
    stays = f"The menu {escape(kept)} stays." if kept else "The page goes on without a menu."
    items = "".join(f"<li>{escape(problem)}</li>" for problem in problems[:_TOLD])
    count = "1 problem" if len(problems) == 1 else f"{len(problems):,} problems"
    lead = f"<p>This menu cannot be used: {count}. {stays}</p>"
    return f'<div class="problem" role="alert">{lead}<ul>{items}</ul>{more}</div>'


def _laid(answers: Answers) -> str:
    """What the menu says, treatment by treatment, each sentence as the clinic's own."""
    tables = answers.evidence.tables
    if tables.menu is None:
        return "<p class='empty'>No menu is in use. Costs are those that sources tell of.</p>"
    rows = "".join(
        f"<tr><th scope='row'>{escape(str(tables.treatments.at[treatment, 'name']))}</th>"
        f"<td>{clinic(answers.evidence, treatment)}</td></tr>"
        for treatment in tables.menu.index.unique()
    )
    return (
        f"<p>In use: <strong>{escape(answers.menu)}</strong>, {len(tables.menu):,} "
        f"{'offer' if len(tables.menu) == 1 else 'offers'}.</p>"
        "<div class='scroll' role='region' aria-label='What the clinic says' tabindex='0'><table class='guide'>"
        "<caption>What this clinic says. None of it is checked.</caption><thead><tr><th scope='col'>Treatment</th>"
        f"<th scope='col'>The clinic’s own words and prices</th></tr></thead><tbody>{rows}</tbody></table></div>"
    )
