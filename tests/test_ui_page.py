"""What the page shows: in the right order, complete, escaped, never blank, whoever is asking."""

import dataclasses
import html
import math
import re
from functools import lru_cache
from html.parser import HTMLParser

import bqplot as bq
import ipywidgets as w
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import scarlib
from scarlib import Client
from scarlib.citations import source_list
from scarlib.client import LIMITS, PRIORITIES, SCAR_TYPES, SETTINGS, TRAITS
from scarlib.evidence import GRAVE_HARMS, weigh
from scarlib.phrases import effect
from scarlib.screening import NO_TREATMENT, RANKED, health_doubt
from scarlib.ui import Dashboard, cards, parts
from scarlib.ui.chart import _apart
from scarlib.ui.model import START
from scarlib.ui.table import SORTS

TABLES = scarlib.load_tables()
EVIDENCE = weigh(TABLES)
TREATMENTS = list(TABLES.treatments.index)
CONDITIONS = list(TABLES.conditions.index)
FAMILIES = [code for code in TABLES.words("family") if code != NO_TREATMENT]

# Reading HTML

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
BLOCKS = {"p", "div", "ul", "ol", "dl", "table", "details", "section", "article", "header", "h1", "h2", "h3", "h4"}


class Node:
    def __init__(self, tag, attributes=()):
        self.tag = tag
        self.attributes = dict(attributes)
        self.children = []

    def __iter__(self):
        """This node and all below it, in the order they are read."""
        yield self
        for child in self.children:
            if isinstance(child, Node):
                yield from child

    def all(self, tag="", css_class="", **attributes):
        wanted = {name.replace("_", "-"): value for name, value in attributes.items()}
        return [
            node
            for node in self
            if (not tag or node.tag == tag)
            and (not css_class or css_class in (node.attributes.get("class") or "").split())
            and all(node.attributes.get(name) == value for name, value in wanted.items())
        ]

    def one(self, tag="", css_class="", **attributes):
        (node,) = self.all(tag, css_class, **attributes)
        return node

    @property
    def text(self):
        """What is read: no styles, and nothing that is hidden from a screen reader."""
        if self.tag in ("style", "script") or self.attributes.get("aria-hidden") == "true":
            return ""
        parts = [child if isinstance(child, str) else child.text for child in self.children]
        return re.sub(r"\s+", " ", " ".join(parts)).strip()


class Tree(HTMLParser):
    """Builds nodes, and fails on a tag that is not closed, closed twice or nested as no browser allows."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.root = Node("root")
        self.open = [self.root]

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        assert len(set(names)) == len(names), f"<{tag}> has an attribute twice: {names}"
        above = [node.tag for node in self.open]
        assert not ("p" in above and tag in BLOCKS), f"<{tag}> inside <p>: a browser would close the <p>"
        assert not (tag in ("a", "summary") and tag in above), f"<{tag}> inside <{tag}>"
        if tag == "li":
            assert above[-1] in ("ul", "ol"), f"<li> inside <{above[-1]}>"
        node = Node(tag, attrs)
        self.open[-1].children.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_startendtag(self, tag, attrs):
        self.open[-1].children.append(Node(tag, attrs))

    def handle_endtag(self, tag):
        assert tag == self.open[-1].tag, f"</{tag}> where <{self.open[-1].tag}> is open"
        self.open.pop()

    def handle_data(self, data):
        self.open[-1].children.append(data)


@lru_cache(maxsize=64)
def parse(text):
    """A part of the page as nodes; most parts stay the same from one answer to the next."""
    tree = Tree()
    tree.feed(text)
    tree.close()
    assert tree.open == [tree.root], f"not closed: {[node.tag for node in tree.open[1:]]}"
    return tree.root


def walk(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from walk(child)


def texts(board):
    return [widget.value for widget in walk(board.page) if isinstance(widget, w.HTML)]


def page(board):
    """The whole page as one tree; each part parsed by itself, as the browser does."""
    root = Node("page")
    root.children = [parse(text) for text in texts(board)]
    return root


def results(board):
    """The page without its title and questions."""
    root = Node("results")
    (box,) = [widget for widget in walk(board.page) if "results" in widget._dom_classes]
    root.children = [parse(widget.value) for widget in walk(box) if isinstance(widget, w.HTML)]
    return root


def ids(tree, hook):
    return [node.attributes["data-id"] for node in tree.all(data_hook=hook)]


def ask(board, client):
    """The page as this client sees it."""
    answers = client.to_dict()
    answers["character"] = answers.pop("traits")
    board.answers.answer(**answers)
    assert board.answers.problem == ""
    return results(board)


def counts(tree):
    said = tree.one(data_hook="summary").text
    found = re.fullmatch(r"(\d+) of (\d+) treatments fit, (\d+) with care, (\d+) ruled out\.", said)
    assert found, said
    return [int(number) for number in found.groups()]


@pytest.fixture(scope="module")
def the_board():
    return Dashboard(TABLES)


@pytest.fixture
def board(the_board):
    the_board.answers.reset()
    the_board.answers.chosen = ""
    for name in ("Search", "Fit", "Sort by"):
        control = named(the_board, name)
        control.value = "" if name != "Sort by" else next(iter(SORTS))
    return the_board


def named(board, description):
    (widget,) = [widget for widget in walk(board.page) if getattr(widget, "description", None) == description]
    return widget


def people(**fixed):
    limits = {name: st.none() | st.floats(low, min(high, 15_000)) for name, (low, high, _) in LIMITS.items()}
    fields = {
        "scars": st.dictionaries(st.sampled_from(SCAR_TYPES), st.sampled_from([1.0, 2.0, 3.0]), min_size=1, max_size=4),
        "fitzpatrick": st.none() | st.integers(1, 6),
        "traits": st.frozensets(st.sampled_from(TRAITS), max_size=3),
        "severity": st.none() | st.integers(1, 4),
        "conditions": st.frozensets(st.sampled_from(CONDITIONS), max_size=3),
        "setting": st.none() | st.sampled_from(SETTINGS),
        "priorities": st.fixed_dictionaries({name: st.sampled_from([0.0, 1.0, 2.0, 3.0]) for name in PRIORITIES}),
        **limits,
        **fixed,
    }
    return st.builds(Client, **fields)


SEVERAL = [
    START,
    Client(scars={"rolling": 3, "icepick": 1}, fitzpatrick=5, traits={"tethered"}),
    Client(scars={"keloid": 2, "hypertrophic": 1}, fitzpatrick=6),
    Client(scars={"hyperpigmented": 3}, fitzpatrick=4, setting="home", budget_usd=500),
    Client(scars={"erythematous": 2, "superficial": 1}, fitzpatrick=1, max_downtime_days=2, max_pain=3),
    Client(scars={"boxcar": 3}, fitzpatrick=3, conditions={"isotretinoin_recent"}, severity=2),
    Client(scars={scar: 1 for scar in SCAR_TYPES}, severity=4),
]
NOTHING_FITS = Client(
    scars={"rolling": 3}, fitzpatrick=6, max_downtime_days=0, max_sessions=1, max_pain=1, budget_usd=250, setting="home"
)
NOTHING_AT_ALL = Client(scars={"rolling": 2}, fitzpatrick=5, conditions=set(CONDITIONS))


def above(board):
    """What stands above the options: what is wrong with the answers, and what they come to."""
    return "".join(part.value for part in board._found)


# Whoever asks


BLANK = re.compile(r"[\s\-–—−./?]*|n/?a|none given|null", re.IGNORECASE)
NOT_WORDS = re.compile(
    r"\bnan\b|<na>|\bnat\b|\binf\b|\bnull\b|\bundefined\b|[{}]|\bmappingproxy\b|\bfrozenset\b", re.IGNORECASE
)


def check(client, board):
    """Everything that holds for everyone; each fault is named."""
    tree = ask(board, client)
    options = scarlib.recommend(client, TABLES)
    ranked = [treatment for treatment in options.index if options.at[treatment, "verdict"] in RANKED]
    assert ids(tree, "option") == ranked
    assert ids(tree, "ruled-out") == [treatment for treatment in options.index if treatment not in ranked]

    verdicts = options["verdict"].drop(NO_TREATMENT).value_counts()
    fits, total, care, out = counts(tree)
    assert (fits, care) == (verdicts.get("suitable", 0), verdicts.get("caution", 0))
    assert fits + care + out == total == len(TREATMENTS) - 1

    for text in texts(board):
        if "<style>" not in text:
            found = NOT_WORDS.search(html.unescape(text))
            assert not found, html.unescape(text)[max(0, found.start() - 80) : found.end() + 80]

    cells = [cell for tag in ("dd", "li", "p", "h3", "h4", "summary") for cell in tree.all(tag)]
    for table in tree.all("table"):
        if "score" not in table.attributes["class"]:  # its last column is drawn
            cells += [*table.all("td"), *table.all("th")]
    for cell in cells:
        assert not BLANK.fullmatch(cell.text), f"<{cell.tag}> of {client} says nothing"

    for option in tree.all(data_hook="option"):
        treatment = option.attributes["data-id"]
        assert options.at[treatment, "verdict"] != "avoid"
        badge = option.all(css_class="badge")[0].text
        assert badge == TABLES.label("verdict", options.at[treatment, "verdict"])
        if client.fitzpatrick in (4, 5, 6):
            read = option.text
            # Past the name: before the reason, before what it promises, the dark marks.
            after_name = read.index(badge) + len(badge)
            assert re.match(r" (Dark marks \(PIH\)|No treatment, so no dark marks)", read[after_name:]), read[:300]
    for entry in tree.all(data_hook="ruled-out"):
        verdict = options.at[entry.attributes["data-id"], "verdict"]
        assert entry.all(css_class="badge")[0].text == TABLES.label("verdict", verdict)
        assert len(entry.all("p")) >= 1, "it has to say why"


@settings(
    max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(client=people())
@example(client=NOTHING_FITS)
@example(client=NOTHING_AT_ALL)
def test_the_page_is_sound_whoever_asks(the_board, client):
    check(client, the_board)


@pytest.mark.parametrize("client", SEVERAL)
def test_every_option_can_be_shown_in_full(board, client):
    ask(board, client)
    for treatment in TREATMENTS:
        one = chosen(board, treatment)
        assert one.attributes["data-id"] == treatment
        assert TABLES.treatments.at[treatment, "name"] in one.text
        verdict = board.answers.options.at[treatment, "verdict"]
        assert one.all(css_class="badge")[0].text == TABLES.label("verdict", verdict)
        assert not NOT_WORDS.search(one.text)
        if client.fitzpatrick in (4, 5, 6):
            assert "ark marks" in one.text[: one.text.index("What can go wrong")]


def chosen(board, treatment):
    board.answers.chosen = treatment
    (text,) = [text for text in texts(board) if 'data-hook="chosen"' in text]
    return parse(text).one(data_hook="chosen")


def test_every_part_of_the_page_is_well_formed_and_its_ids_are_its_own(board):
    tree = page(board)
    names = [node.attributes["id"] for node in tree if "id" in node.attributes]
    assert len(set(names)) == len(names)
    hrefs = [node.attributes["href"] for node in tree.all("a") if "share" not in node.attributes.get("class", "")]
    aims = [href[1:] for href in hrefs if href.startswith("#")]
    assert aims
    assert set(aims) <= set(names)
    assert len(tree.all("h1")) == 1


# Order and counts


@pytest.mark.parametrize("client", SEVERAL)
def test_ranks_are_told_in_order_and_names_belong_to_them(board, client):
    tree = ask(board, client)
    cards_shown = tree.all(data_hook="option")
    assert [card.one(css_class="rank").text for card in cards_shown] == [str(n) for n in range(1, len(cards_shown) + 1)]
    for card in cards_shown:
        heading = (card.all("h3") + card.all("h4"))[0].text
        assert heading.startswith(TABLES.treatments.at[card.attributes["data-id"], "name"])


def test_no_treatment_is_always_among_the_options(board):
    for client in (*SEVERAL, NOTHING_FITS, NOTHING_AT_ALL):
        assert NO_TREATMENT in ids(ask(board, client), "option")


def test_the_first_view_holds_what_the_page_shows(board):
    first = parse(board.first_view()["text/html"])
    tree = results(board)
    for hook in ("option", "ruled-out"):
        assert ids(first, hook) == ids(tree, hook)
    assert counts(first) == counts(tree)


def test_what_is_left_of_the_example_is_said_beside_the_results(board):
    board.answers.reset()
    assert "Still from the example" not in results(board).text
    board.answers.scars = {**board.answers.scars, "icepick": 3.0}
    assert "Still from the example: rolling scars." in results(board).text
    board.answers.scars = {"icepick": 3.0}
    assert "Still from the example" not in results(board).text


def test_what_is_shown_without_scripts_leads_nowhere_but_to_what_is_there(board):
    html = board.first_view()["text/html"]
    shown = html[html.rindex("<noscript>") :]
    assert "All options as a table" in shown
    targets = {node.attributes["id"] for node in parse(html) if "id" in node.attributes}
    assert set(re.findall(r'href="#([^"]+)"', shown)) <= targets


def test_the_example_is_called_one_until_an_answer_is_given(board):
    assert "example" in results(board).text
    assert "An example" not in ask(board, SEVERAL[1]).text


# Skin


@pytest.mark.parametrize("skin", [4, 5, 6])
@pytest.mark.parametrize("client", SEVERAL)
def test_in_darker_skin_the_dark_marks_come_before_the_reason(board, client, skin):
    tree = ask(board, client.replace(fitzpatrick=skin))
    numeral = ("IV", "V", "VI")[skin - 4]
    for option in tree.all(data_hook="option"):
        read = option.text
        if option.attributes["data-id"] == NO_TREATMENT:
            continue
        assert f"in skin type {numeral}" in read
        marks = read.index("Dark marks (PIH)")
        for later in ("Improvement", *(why.text for why in option.all(css_class="why"))):
            assert marks < read.index(later)


def test_the_dark_mark_figure_is_the_one_of_the_evidence(board):
    for skin in (None, 1, 3, 5):
        for option in ask(board, START.replace(fitzpatrick=skin)).all(data_hook="option"):
            treatment = option.attributes["data-id"]
            if treatment == NO_TREATMENT:
                continue
            risk = EVIDENCE.pih(treatment, skin)
            (said,) = re.findall(r"Dark marks \(PIH\)[^:]*: (.*?)\.", option.text)
            if not risk.known:
                assert said.strip() == "not known"
            elif math.isnan(risk.typical):
                assert re.search(rf"\b({risk.low:.0f}|{risk.high:.0f})\b.* of 100", said)
            else:
                numbers = [int(number) for number in re.findall(r"\d+", said.replace(" of 100", ""))]
                assert numbers
                assert min(numbers) <= round(risk.typical) <= max(numbers)
                assert re.search(r" of 100 (\([^)]*\) )?people", said)


# Harms


@pytest.mark.parametrize("client", SEVERAL)
def test_every_full_card_lists_every_harm_first_and_in_full(board, client):
    tree = ask(board, client)
    full = [card for card in tree.all(data_hook="option") if card.all("details")]
    assert len(full) >= min(5, len(tree.all(data_hook="option")))
    for card in full:
        check_harms(card)


def test_an_option_in_full_says_how_many_got_better_after_what_can_go_wrong(board):
    ask(board, Client(scars={"rolling": 1}))
    for treatment in TREATMENTS:
        folds = [fold.text for fold in chosen(board, treatment).all("summary")]
        assert folds[:2] == ["What can go wrong", "How many got better"]
    shown = chosen(board, "laser_co2_fractional")
    (list_,) = shown.all("ul", "better")
    assert "more than half better" in list_.text
    assert "37 to 62 of 100" in list_.text
    assert len(list_.all("svg")) == len(list_.all("li"))
    assert "How many get better: not known" in chosen(board, "dermabrasion").text


def test_a_harm_counted_by_the_syringe_is_not_told_as_of_people(board):
    ask(board, Client(scars={"rolling": 1}, fitzpatrick=2))
    one = chosen(board, "filler_ha").text
    for said in (
        "blocked blood vessel, by needle, fewer than 1 of 100 syringes",
        "fewer than 1 of 100 syringes (0.0024)",
    ):
        assert said in " ".join(one.split())
    assert "5.7 of 100 acne spots" in " ".join(chosen(board, "no_treatment").text.split())


def test_an_effect_on_a_small_part_of_the_problem_is_not_told_as_the_effect(board):
    """Good for raised scars alone, where most of the problem is icepick scars, is not "Improvement: good"."""
    cards = ask(board, Client(scars={"icepick": 3, "rolling": 2, "hypertrophic": 1})).all(data_hook="option")
    (gel,) = [one for one in cards if one.attributes["data-id"] == "silicone_gel"]
    assert "Improvement little or none (little or none to very good)" in " ".join(gel.text.split())
    assert "For half of your problem or more, it is not known to help icepick scars and rolling scars." in gel.text


def test_where_three_are_left_nothing_is_said_of_the_top_three(board):
    for client, said in ((Client(scars={"rolling": 1}), True), (NOTHING_FITS, False)):
        tree = ask(board, client)
        assert ("In the top three" in tree.text) is said
        assert len(tree.all(data_hook="option")) > 3 or not said


def test_what_is_ruled_out_says_why_on_its_face_in_full_too(board):
    ask(board, Client(scars={"rolling": 1}, conditions={"pregnancy"}))
    (reason,) = [r for r in board.answers.options.at["microneedling", "reasons"] if r.level == "avoid"][:1]
    one = chosen(board, "microneedling")
    assert reason.text in one.text[: one.text.index("What can go wrong")]


def test_what_the_scars_bring_in_stands_among_the_answers(board):
    tree = ask(board, Client(scars={"hypertrophic": 1}))
    assert "counted so for your raised scars" in tree.text
    assert "counted so for your raised scars" not in ask(board, Client(scars={"rolling": 1})).text


def test_an_option_that_is_not_known_to_help_most_of_the_problem_says_so_on_its_face(board):
    """Else all that speaks for it besides would put it first without a word."""
    words = "For half of your problem or more, it"

    def warned(client):
        cards = ask(board, client).all(data_hook="option")
        return {one.attributes["data-id"] for one in cards if any(words in said.text for said in one.all("ul", "care"))}

    mostly, hardly = (Client(scars={"icepick": icepick, "rolling": 2}, fitzpatrick=5) for icepick in (3, 1))
    assert {"filler_caha", "microneedling"} <= warned(mostly)
    assert not {"tca_cross", "rf_microneedling", "no_treatment"} & warned(mostly)
    assert not {"filler_caha", "microneedling", "tca_cross"} & warned(hardly)
    cards = {one.attributes["data-id"]: one.text for one in ask(board, mostly).all(data_hook="option")}
    assert "it is not known to help icepick scars." in cards["filler_caha"]
    assert "it does little for icepick scars." in cards["microneedling"]
    for treatment in ("filler_caha", "tca_cross"):
        told = chosen(board, treatment).text
        assert ("it stands after those that help more of your problem" in told) is (treatment == "filler_caha")


def test_the_harms_are_the_same_list_wherever_the_option_stands(board):
    """Also for what is ruled out: as many harms, in the same words, for whom it fits and whom it does not."""
    told = {treatment: set() for treatment in TREATMENTS}
    for client in (SEVERAL[1], SEVERAL[3], NOTHING_AT_ALL):
        ask(board, client)
        for treatment in TREATMENTS:
            one = chosen(board, treatment)
            check_harms(one)
            told[treatment].add(tuple(item.text for harms in one.all("ul", "harms") for item in harms.all("li")))
    assert all(len(words) == 1 for words in told.values())


def check_harms(card):
    treatment = card.attributes["data-id"]
    first = card.all("details")[0]
    assert first.one("summary").text == "What can go wrong"
    assert html.unescape(TABLES.treatments.at[treatment, "watch_for"]) in first.text
    harms = EVIDENCE.harms(treatment)
    if not harms and treatment != NO_TREATMENT:
        assert "How often harms happen: not known" in first.text
        return
    items = first.one("ul", "harms").all("li")
    assert len(items) == len(harms)
    for event, harm in harms.items():
        (item,) = [i for i in items if i.all("span")[0].text == TABLES.label("adverse_event", event)]
        if harm.known:
            assert re.search(r"\d.* of 100", item.text)
            assert ("fewer than 30 people" in item.text) == (0 < harm.people < 30)
        else:
            assert "not known" in item.text
        rows = TABLES.evidence.loc[list(harm.claims)]
        for note in rows["note"].dropna() if event in GRAVE_HARMS and harm.high != 0 else ():
            assert html.unescape(item.text).count(note) == 1, "of whom a grave harm tells"
    assert "small" not in {node.tag for item in items for node in item if node.text in ("reported", "not known")}


# What no source says


def test_what_is_not_known_is_said_in_words(board):
    table = ask(board, START).one("table", "options")
    heads = [head.text for head in table.one("thead").all("th")]
    for head, attribute in {"Days off": "downtime_days", "Pain": "pain_vas", "Lasting": "durability_months"}.items():
        (column,) = [n for n, words in enumerate(heads) if words.startswith(head)]
        for row in table.one("tbody").all("tr"):
            treatment = row.attributes["data-id"]
            cell = row.all("td")[column - 1]
            if treatment != NO_TREATMENT:
                known = EVIDENCE.number(treatment, attribute).known
                assert (cell.text == "not known") == (not known), (treatment, head)
                assert bool(cell.all(css_class="unknown")) == (not known)


# Nothing fits


def test_where_the_limits_leave_nothing_the_page_says_so_and_names_the_nearest(board):
    tree = ask(board, NOTHING_FITS)
    assert counts(tree)[0] + counts(tree)[2] == 0
    said = tree.one("div", "empty")
    assert said.text.startswith("Nothing fits")
    assert len(said.all("li")) == 3
    for item in said.all("li"):
        name = item.one("strong").text
        (treatment,) = TABLES.treatments.index[TABLES.treatments["name"] == name]
        assert board.answers.options.at[treatment, "verdict"] in ("outside_limits", "defer")
        change = scarlib.what_would_change(board.answers.client, treatment, TABLES)
        assert change is None or change.text in item.text
    assert ids(tree, "option") == [NO_TREATMENT]
    read = tree.text
    assert read.index("Nothing fits") < read.index("Doing nothing is always an option")


def test_all_that_calls_for_care_stands_on_the_face_of_a_card(board):
    """A caution of one's health is not folded away behind that of the skin type, nor a limit that may be broken."""
    client = Client(
        scars={"rolling": 2}, fitzpatrick=5, conditions={"herpes_history", "smoking"}, max_downtime_days=3, max_pain=5
    )
    tree = ask(board, client)
    options = board.answers.options
    seen = set()
    for shown in tree.all(data_hook="option"):
        treatment = shown.attributes["data-id"]
        face = shown.text.partition("What can go wrong")[0]
        for reason in options.at[treatment, "reasons"]:
            if reason.level == "caution" or (reason.level == "suitable" and reason.about.startswith("limit:")):
                assert reason.text in face, treatment
                seen.add(reason.about.partition(":")[0])
    assert {"condition", "skin", "limit"} <= seen


def test_a_card_that_stands_later_for_health_says_so(board):
    ask(board, Client(scars={"rolling": 2}, fitzpatrick=3, conditions={"herpes_history"}))
    options = board.answers.options
    full = [node for node in results(board).all(data_hook="option") if "card" in node.attributes["class"].split()]
    assert full
    for shown in full:
        reasons = options.at[shown.attributes["data-id"], "reasons"]
        assert ("Your health raises a question here" in shown.text) is (health_doubt(reasons) > 0)


def test_where_health_leaves_nothing_the_page_says_so_and_gives_no_false_hope(board):
    client = NOTHING_AT_ALL
    tree = ask(board, client)
    assert counts(tree)[0] + counts(tree)[2] == 0
    said = tree.one("div", "empty")
    assert re.match(r"Nothing|None", said.text)
    for item in said.all("li"):
        (treatment,) = TABLES.treatments.index[TABLES.treatments["name"] == item.one("strong").text]
        verdict = board.answers.options.at[treatment, "verdict"]
        assert verdict != "not_indicated"
        if verdict == "avoid":
            assert "would come in" not in item.text
    assert ids(tree, "option") == [NO_TREATMENT]


def test_what_would_let_an_option_in_is_said_beside_it(board):
    tree = ask(board, NOTHING_FITS)
    told = 0
    for entry in tree.all(data_hook="ruled-out"):
        change = scarlib.what_would_change(NOTHING_FITS, entry.attributes["data-id"], TABLES)
        assert (change.text if change else "") == "".join(node.text for node in entry.all("p", "change"))
        told += change is not None
    assert told >= 3


# One kind of treatment


@pytest.mark.parametrize("family", FAMILIES)
def test_a_kind_of_treatment_lists_its_own_and_no_treatment(board, family):
    whole = results(board)
    board.answers.families = [family]
    tree = results(board)
    of = TABLES.treatments["family"]
    kept = [treatment for treatment in ids(whole, "option") if of[treatment] in (family, NO_TREATMENT)]
    assert ids(tree, "option") == kept
    assert ids(tree, "ruled-out") == [treatment for treatment in ids(whole, "ruled-out") if of[treatment] == family]
    assert counts(tree) == counts(whole), "the sentence still counts all options"
    table_rows = tree.one("table", "options").one("tbody").all("tr")
    assert {of[row.attributes["data-id"]] for row in table_rows} <= {family, NO_TREATMENT}
    if kept == [NO_TREATMENT]:
        assert "None of this kind fits" in tree.text


# The table


def rows_of(board):
    tables = results(board).all("table", "options")
    return [row.attributes["data-id"] for row in tables[0].one("tbody").all("tr")] if tables else []


def test_the_table_holds_every_option_in_the_order_of_the_ranking(board):
    assert rows_of(board) == list(board.answers.options.index)
    caption = results(board).one("table", "options").one("caption").text
    assert caption.startswith(f"{len(TREATMENTS)} of {len(TREATMENTS)} options")


@pytest.mark.parametrize("word", ["laser", "LASER", "  peel ", "needl"])
def test_the_search_finds_a_word_in_name_or_description(board, word):
    named(board, "Search").value = word
    found = rows_of(board)
    assert 0 < len(found) < len(TREATMENTS)
    texts_of = TABLES.treatments[["name", "clinical_name", "how_it_works", "good_at"]].agg(" ".join, axis=1)
    assert set(found) == {name for name, text in texts_of.items() if word.strip().lower() in text.lower()}
    assert f"{len(found)} of {len(TREATMENTS)}" in results(board).one("table", "options").one("caption").text


@pytest.mark.parametrize(
    "word", ["zzz", "(", "[a-", "*", "\\", "<script>alert(1)</script>", "a" * 10_000, "%s {0}", "\x00", "🙂"]
)
def test_a_search_without_a_match_says_so_and_harms_nothing(board, word):
    named(board, "Search").value = word
    assert not [node for node in results(board) if node.tag == "script"]
    if not rows_of(board):
        assert "No treatment matches" in results(board).text
    named(board, "Search").value = ""
    assert len(rows_of(board)) == len(TREATMENTS)


@pytest.mark.parametrize("client", [START, NOTHING_FITS, SEVERAL[1]])
@pytest.mark.parametrize("verdict", TABLES.words("verdict"))
def test_the_table_can_be_narrowed_to_one_verdict(board, client, verdict):
    ask(board, client)
    named(board, "Fit").value = verdict
    options = board.answers.options
    assert rows_of(board) == list(options.index[options["verdict"] == verdict])
    if not rows_of(board):
        assert "No treatment matches" in results(board).text


def placed(burden):
    """Where a burden stands: at its usual figure, or at the worst its sources say where they differ."""
    return burden.high if burden.spread else burden.typical


def figures(client):
    """Sort -> the figure it goes by, read off the evidence."""

    def number(attribute):
        return lambda treatment: placed(EVIDENCE.number(treatment, attribute))

    return {
        "Fewest visits": lambda treatment: EVIDENCE.number(treatment, "sessions").typical,
        "Fewest days off": number("downtime_days"),
        "Least pain": number("pain_vas"),
        "Lowest cost": lambda treatment: EVIDENCE.course_cost(treatment).typical,
        "Lowest dark-mark risk": lambda treatment: placed(EVIDENCE.pih(treatment, client.fitzpatrick)),
    }


@pytest.mark.parametrize("client", [START, SEVERAL[1]])
@pytest.mark.parametrize("sort", figures(START))
def test_the_table_sorts_by_a_figure_and_puts_what_is_not_known_last(board, client, sort):
    ask(board, client)
    named(board, "Sort by").value = sort
    assert sorted(rows_of(board)) == sorted(TREATMENTS)
    order = [treatment for treatment in rows_of(board) if treatment != NO_TREATMENT]
    told = [figures(client)[sort](treatment) for treatment in order]
    known = [value for value in told if not math.isnan(value)]
    assert told[: len(known)] == sorted(known), [order[i] for i in range(len(known)) if told[i] != sorted(known)[i]]


@pytest.mark.parametrize("sort", figures(START))
def test_no_treatment_is_not_sorted_among_what_is_not_known(board, sort):
    """The table says "none" of it, so it comes first."""
    named(board, "Sort by").value = sort
    assert rows_of(board)[0] == NO_TREATMENT


def test_the_table_sorts_by_name_and_by_improvement(board):
    named(board, "Sort by").value = "Name"
    names = [TABLES.treatments.at[treatment, "name"] for treatment in rows_of(board)]
    assert names == sorted(names)
    named(board, "Sort by").value = "Most improvement"
    steps = list(TABLES.words("improvement_tier").values())
    heads = [head.text for head in results(board).one("table", "options").one("thead").all("th")]
    column = heads.index("Improvement") - 1
    told = [
        row.all("td")[column].text.split(" (")[0]
        for row in results(board).one("table", "options").one("tbody").all("tr")
    ]
    tiers = [steps.index(word) for word in told if word in steps]
    assert len(tiers) >= 10
    assert tiers == sorted(tiers, reverse=True)
    first_unknown = told.index("not known")
    assert not any(word in steps for word in told[first_unknown:])


@pytest.mark.parametrize("sort", SORTS)
def test_every_sort_keeps_every_row(board, sort):
    named(board, "Sort by").value = sort
    assert sorted(rows_of(board)) == sorted(TREATMENTS)
    assert sort.lower() in results(board).one("table", "options").one("caption").text.lower()


def test_search_verdict_and_sort_stay_when_an_answer_changes(board):
    named(board, "Search").value = "laser"
    named(board, "Sort by").value = "Name"
    before = rows_of(board)
    board.answers.fitzpatrick = 5
    assert rows_of(board) == before
    assert {"Name", "laser"} == {named(board, "Sort by").value, named(board, "Search").value}


# Sources


def test_every_source_names_author_and_year_and_links_to_doi_pmid_or_page():
    listed = parse(source_list(TABLES, TABLES.sources.index)).one("ul", "sources").all("li")
    assert len(listed) == len(TABLES.sources)
    order = TABLES.sources.sort_values("tier", kind="stable")
    for item, (_, source) in zip(listed, order.iterrows(), strict=True):
        author = source["first_author"] or "No author named"
        year = f"{source['year']:.0f}" if source["year"] == source["year"] else "no year"
        assert item.text.startswith(re.sub(r"\s+", " ", f"{author}, {year}."))
        assert TABLES.label("source_type", source["type"]) in item.text
        links = item.all("a")
        if source["doi"]:
            wanted = f"https://doi.org/{source['doi']}"
        elif source["pmid"]:
            wanted = f"https://pubmed.ncbi.nlm.nih.gov/{source['pmid']}/"
        else:
            wanted = source["url"]
        assert [link.attributes["href"] for link in links] == ([wanted] if wanted else [])
        for link in links:
            assert link.attributes["rel"].split() == ["noopener", "noreferrer"]


@pytest.mark.parametrize("client", SEVERAL)
def test_every_full_card_and_every_sourced_ruling_names_its_sources(board, client):
    tree = ask(board, client)
    for card in tree.all(data_hook="option"):
        if card.all("details") and card.attributes["data-id"] != NO_TREATMENT:
            sources = card.all("details")[-1]
            assert sources.one("summary").text == "Sources"
            assert sources.one("ul", "sources").all("li")
    for entry in tree.all(data_hook="ruled-out"):
        options = board.answers.options
        treatment = entry.attributes["data-id"]
        deciding = [r for r in options.at[treatment, "reasons"] if r.level == options.at[treatment, "verdict"]]
        assert bool(entry.all("ul", "sources")) == any(reason.source_ids for reason in deciding)
        for reason in deciding:
            assert reason.text in entry.text


@pytest.mark.parametrize("client", SEVERAL)
def test_the_score_is_explained_and_its_parts_add_up(board, client):
    for card in ask(board, client).all(data_hook="option"):
        for table in card.all("table", "score"):
            points = [int(row.all("td")[0].text) for row in table.one("tbody").all("tr")]
            assert len(points) == len(PRIORITIES) + 1
            (said,) = re.findall(r"Score (\d+) \(", card.text)
            assert sum(points[:-1]) == points[-1] == int(said)
            treatment = card.attributes["data-id"]
            exact = [board.answers.options.at[treatment, f"points_{name}"] for name in PRIORITIES]
            assert sorted(points[:-1]) == pytest.approx(sorted(exact), abs=1)


# Nothing from a file is believed

NASTY = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&lt;b&gt; </p></li></td>"
COLUMNS = {
    "treatments": ("name", "clinical_name", "how_it_works", "good_at", "watch_for", "visit", "price_unit"),
    "sources": ("first_author", "title", "journal", "doi", "pmid", "url"),
    "conditions": ("group_question", "label", "question", "help", "concerns_reason"),
    "scar_types": ("name", "description", "recognise"),
    "vocabulary": ("label", "help"),
}


def poisoned(file, column, value=NASTY):
    frame = getattr(TABLES, file).copy()
    frame[column] = [f"{value}{n}" for n in range(len(frame))]
    return dataclasses.replace(TABLES, **{file: frame})


def assert_harmless(board):
    tree = page(board)
    for node in tree:
        assert node.tag not in ("script", "img", "iframe", "object", "b-gt"), node.tag
        for name, value in node.attributes.items():
            assert not name.startswith("on"), name
            if name in ("href", "src", "action"):
                saved = r"data:(application/json|text/(html|calendar|csv));base64,[\w+/=]+$"
                assert re.match(saved if "download" in node.attributes else r"(https?://|#)", value), value
    first = parse(board.first_view()["text/html"])
    assert not [node for node in first if node.tag in ("script", "img")]


@pytest.mark.parametrize(
    ("file", "column"), [(file, column) for file, columns in COLUMNS.items() for column in columns]
)
def test_a_value_from_a_table_is_shown_as_text_and_never_run(file, column):
    board = Dashboard(poisoned(file, column))
    board.answers.chosen = "subcision"
    ask(board, SEVERAL[1])
    assert_harmless(board)
    for widget in walk(board.page):
        assert not getattr(widget, "description_allow_html", False)


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)//",
        "JaVaScRiPt:alert(1)",
        "data:text/html,<script>1</script>",
        " javascript:x",
        "vbscript:x",
        "//evil.example",
    ],
)
def test_an_address_that_is_no_web_address_is_no_link(address):
    sources = TABLES.sources.copy()
    sources["url"] = [f"{address}{n}" for n in range(len(sources))]
    sources["doi"] = ""
    sources["pmid"] = ""
    tables = dataclasses.replace(TABLES, sources=sources)
    tree = parse(source_list(tables, sources.index))
    assert len(tree.all("li")) == len(sources)
    assert [link.attributes["href"] for link in tree.all("a")] == []


def test_what_a_person_could_send_is_escaped_when_it_is_refused(board):
    board.answers.conditions = [NASTY]
    assert board.answers.problem
    assert_harmless(board)
    board.answers.undo()


# A part that cannot be drawn


@pytest.mark.parametrize(
    ("module", "part"),
    [
        (cards, "fitting"),
        (cards, "ruled_out"),
        (cards, "details"),
        (parts, "questions"),
        (parts, "options_table"),
    ],
)
def test_a_part_that_cannot_be_drawn_says_so_and_leaves_the_others_be(monkeypatch, module, part):
    board = Dashboard(TABLES)
    with monkeypatch.context() as broken:

        def fails(*_, **__):
            raise KeyError("secret")

        broken.setattr(module, part, fails)
        board.answers.fitzpatrick = 5
        tree = results(board)
        expected = scarlib.recommend(START.replace(fitzpatrick=5), TABLES)["verdict"].drop(NO_TREATMENT)
        assert counts(tree)[0] == (expected == "suitable").sum()
        assert "KeyError" not in tree.text
        assert "secret" not in tree.text
    board.answers.fitzpatrick = 4
    assert ids(results(board), "option")


# The map


def map_of(board):
    (figure,) = [widget for widget in walk(board.page) if isinstance(widget, bq.Figure)]
    (dots,) = [mark for mark in figure.marks if isinstance(mark, bq.Scatter)]
    return dots


def told_of_the_map(board):
    """What stands above the chart and what stands below it."""
    (part,) = [widget for widget in walk(board.page) if any(isinstance(child, bq.Figure) for child in kids(widget))]
    _, above, _, below = part.children
    return parse(above.value), parse(below.value)


def kids(widget):
    return getattr(widget, "children", ())


@pytest.mark.parametrize("client", SEVERAL)
def test_a_click_on_a_dot_shows_that_option_in_full(board, client):
    ask(board, client)
    dots, options = map_of(board), board.answers.options
    assert len(dots.x) == len(dots.y) == len(dots.names)
    for n, rank in enumerate(dots.names):
        dots.selected = [n]
        (treatment,) = options.index[options["rank"] == int(rank)]
        assert results(board).one(data_hook="chosen").attributes["data-id"] == treatment
        assert dots.x[n] == pytest.approx(placed(EVIDENCE.number(treatment, "downtime_days")))
        dots.selected = None
        assert board.answers.chosen == treatment, "clicking beside the dots changes nothing"


@pytest.mark.parametrize("client", [*SEVERAL, NOTHING_FITS])
def test_the_map_places_every_option_it_can_and_its_words_name_the_rest(board, client):
    ask(board, client)
    dots, options = map_of(board), board.answers.options
    ranked = [t for t in options.index if options.at[t, "verdict"] in RANKED and t != NO_TREATMENT]
    placed = {int(rank) for rank in dots.names}
    above, said = told_of_the_map(board)
    if not placed:
        assert "nothing to place" in above.text
        assert not ranked or all(TABLES.treatments.at[t, "name"] in said.text for t in ranked)
        return
    for treatment in ranked:
        name = TABLES.treatments.at[treatment, "name"]
        if options.at[treatment, "rank"] in placed:
            assert name in [item.text for item in said.one("ol").all("li")]
        else:
            assert name in said.text
            assert name not in [item.text for item in said.one("ol").all("li")]
    assert {int(item.attributes["value"]) for item in said.one("ol").all("li")} == placed


def test_the_map_says_truly_why_an_option_is_not_on_it(board):
    missing = set()
    for client in (*SEVERAL, *(Client(scars={scar: 1}, fitzpatrick=5) for scar in SCAR_TYPES)):
        ask(board, client)
        options = board.answers.options
        _, below = told_of_the_map(board)
        found = re.search(r"Not on the map, as days off or effect are not known: (.*?)\.", below.text)
        for name in found[1].split(", ") if found else ():
            (treatment,) = options.index[options["name"] == name]
            days = EVIDENCE.number(treatment, "downtime_days").typical
            better = effect(board.answers.client, EVIDENCE, treatment).typical
            assert math.isnan(days) or math.isnan(better), name
            missing.add(name)
    assert missing, "somebody has an option that is not on the map"


@given(
    st.lists(st.tuples(st.integers(0, 20).map(float), st.floats(0, 3)), min_size=1, max_size=12).map(
        lambda dots: tuple(zip(*dots, strict=True))
    )
)
def test_no_dot_covers_another_and_none_moves_without_need(dots):
    days, tiers = dots
    end = max(7.0, max(days) + 1)
    moved = _apart(days, tiers, end)
    assert all(0 <= place <= 3 for place in moved)
    for n, (day, place) in enumerate(zip(days, moved, strict=True)):
        close = [moved[k] for k in range(n) if abs(days[k] - day) < 0.14 * end]
        if place != tiers[n]:
            assert any(abs(tiers[n] - other) < 0.28 for other in close), "moved away from nothing"
        crowded = len(close) > 4  # up to there some place is always free
        assert crowded or all(abs(place - other) >= 0.27 for other in close)


def test_every_dot_lies_inside_its_axes(board):
    for client in SEVERAL:
        ask(board, client)
        dots = map_of(board)
        for axis in ("x", "y"):
            scale = dots.scales[axis]
            assert all(scale.min <= place <= scale.max for place in getattr(dots, axis)), (client, axis)


def test_the_map_follows_the_kind_of_treatment_and_forgets_the_click(board):
    dots = map_of(board)
    dots.selected = [0]
    board.answers.families = ["lasers"]
    assert dots.selected is None or len(dots.selected) == 0
    options = board.answers.options
    names = {options.index[options["rank"] == int(rank)][0] for rank in dots.names}
    assert names
    assert {TABLES.treatments.at[name, "family"] for name in names} == {"lasers"}
    board.answers.families = []


# The guide's questions


def guide(board):
    (text,) = [text for text in texts(board) if "How many visits? Does it hurt?" in text]
    return parse(text)


def test_the_four_questions_are_asked_and_answered(board):
    tree = guide(board)
    asked = " ".join(node.text for node in tree.all("h3"))
    for word in ("visits", "hurt", "recover", "combined"):
        assert word in asked
    table = tree.one("table", "guide")
    assert len(table.one("tbody").all("tr")) == 5
    for row in table.one("tbody").all("tr"):
        assert all(cell.text for cell in row.all("td"))
        (family,) = [code for code in FAMILIES if TABLES.label("family", code) == row.one("th").text]
        members = TABLES.treatments.index[TABLES.treatments["family"] == family]
        for cell, attribute in zip(row.all("td"), ("sessions", "pain_vas", "downtime_days"), strict=False):
            found = [EVIDENCE.number(member, attribute) for member in members]
            typical = [item.typical for item in found]
            differ = attribute != "sessions"
            ends = [(item.low, item.high) if differ and item.spread else (item.typical,) for item in found]
            known = [value for pair in ends for value in pair if not math.isnan(value)]
            numbers = [float(n) for n in re.findall(r"\d+(?:\.\d+)?", cell.text.split(" (")[0])]
            if known:
                assert (numbers[0], numbers[-1]) == pytest.approx((min(known), max(known)), abs=0.51)
            else:
                assert cell.text == "not known"
            missing = sum(map(math.isnan, typical))
            if missing and known:
                assert f"{missing} of {len(typical)} not known" in cell.text


def test_what_can_be_combined_follows_the_answers(board):
    told = set()
    for client in SEVERAL:
        ask(board, client)
        options = board.answers.options
        fits = {options.at[t, "name"] for t in options.index if options.at[t, "verdict"] in RANKED}
        told.add(guide(board).text)
        for item in guide(board).all("ul", "combining"):
            for pair in item.all("li"):
                assert pair.all("b")[0].text in fits, "it speaks of what fits only"
    assert len(told) > 3


def test_that_health_was_not_told_is_said_until_it_is(board):
    answers = board.answers
    said = "No health problem is named."
    assert "your health not asked yet" in above(board)
    answers.fitzpatrick = 3
    assert said in above(board)
    answers.unanswered = ["Are you pregnant?"]
    assert said not in above(board), "a yes without its detail is said instead"
    answers.unanswered = []
    answers.conditions = ["pregnancy"]
    assert said not in above(board)
