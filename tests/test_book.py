"""Many clients at once get what each would get alone; a faulty book is told in full and nothing is done."""

import math
import subprocess
import sys
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standing import standing

import scarlib
from scarlib import Client, ClientError, book, ranking
from scarlib.book import CHUNK, FIELDS, checked, first_choices, invented, recommend_many
from scarlib.client import LIMITS, PRIORITIES, SCAR_TYPES, SETTINGS, TRAITS
from scarlib.evidence import weigh
from scarlib.menu import MAX_TOLD, lay_over, read_menu
from scarlib.ranking import CRITERIA, DRAWS, readings, values, weights_of
from scarlib.screening import NO_TREATMENT, RANKED, figure, heeded, screen

TABLES = scarlib.load_tables()
EVIDENCE = weigh(TABLES)
TREATMENTS = list(TABLES.treatments.index)
CONDITIONS = list(TABLES.conditions.index)
POINTS = [f"points_{criterion}" for criterion in CRITERIA]
MENU = """treatment_id,price_usd_per_session,package_sessions,package_price_usd
subcision,90,,
microneedling,2500,3,6000
"""
CLINIC = lay_over(TABLES, read_menu(MENU.encode(), "menu.csv"))


def clients():
    limits = {
        name: st.none() | st.floats(low, min(high, 20_000), allow_nan=False) for name, (low, high, _) in LIMITS.items()
    }
    return st.builds(
        Client,
        scars=st.dictionaries(st.sampled_from(SCAR_TYPES), st.floats(0.1, 10), min_size=1, max_size=5),
        fitzpatrick=st.none() | st.integers(1, 6),
        traits=st.frozensets(st.sampled_from(TRAITS), max_size=4),
        severity=st.none() | st.integers(1, 4),
        conditions=st.frozensets(st.sampled_from(CONDITIONS), max_size=4),
        setting=st.sampled_from([None, *SETTINGS]),
        priorities=st.dictionaries(st.sampled_from(CRITERIA), st.sampled_from([0, 1, 2, 3]) | st.floats(0, 3)),
        **limits,
    )


def frame(people, index=None):
    return pd.DataFrame([{name: getattr(client, name) for name in FIELDS} for client in people], index)


def alone(client, tables=TABLES):
    return scarlib.recommend(client, tables).drop(columns=["name", "family", "reasons"])


def problems(rows):
    with pytest.raises(ClientError) as caught:
        recommend_many(rows, EVIDENCE)
    return caught.value.problems


# The same as for one


@pytest.mark.parametrize("tables", [TABLES, CLINIC], ids=["tables", "menu"])
@settings(max_examples=40, deadline=None, derandomize=True)
@given(people=st.lists(clients(), min_size=1, max_size=12))
def test_each_client_gets_what_they_would_get_alone(tables, people):
    found = recommend_many(frame(people), weigh(tables))
    assert found.index.names == ["client_id", "treatment_id"]
    assert not (found["verdict"].eq("avoid") & found["rank"].notna()).any()
    for place, client in enumerate(people):
        pd.testing.assert_frame_equal(found.loc[place], alone(client, tables), rtol=0, atol=1e-9)


def test_every_condition_and_skin_type_is_screened_as_for_one():
    people = [
        Client(scars={scar: 1}, fitzpatrick=skin, conditions={condition})
        for (condition, skin), scar in zip(
            product(CONDITIONS, (None, 1, 2, 3, 4, 5, 6)), SCAR_TYPES * len(CONDITIONS), strict=False
        )
    ]
    verdicts = recommend_many(frame(people), EVIDENCE)["verdict"]
    for place, client in enumerate(people):
        assert verdicts[place].to_dict() == {name: said for name, (said, _) in screen(client, EVIDENCE).items()}


@pytest.mark.parametrize("limit", LIMITS)
def test_a_limit_at_a_figure_and_right_beside_it_is_screened_as_for_one(limit):
    known = [figure(treatment, limit, EVIDENCE) for treatment in TREATMENTS]
    ends = {end for estimate in known for end in (estimate.low, estimate.typical, estimate.high) if end >= 0}
    beside = {np.nextafter(end, way) for end in ends for way in (-1, math.inf)}
    low, high, _ = LIMITS[limit]
    people = [Client(scars={"rolling": 1}, **{limit: float(at)}) for at in sorted(ends | beside) if low <= at <= high]
    assert len(people) > 20
    verdicts = recommend_many(frame(people), EVIDENCE)["verdict"]
    for place, client in enumerate(people):
        assert verdicts[place].to_dict() == {name: said for name, (said, _) in screen(client, EVIDENCE).items()}


def test_nobody_is_changed_by_the_others_or_by_where_they_stand():
    people = invented(CHUNK + 7, TABLES)
    whole = recommend_many(people, EVIDENCE)
    mixed = people.sample(frac=1, random_state=3)
    assert list(whole.index.unique(0)) == list(people.index)
    shuffled = recommend_many(mixed, EVIDENCE)
    assert list(shuffled.index.unique(0)) == list(mixed.index)
    for client in (1, CHUNK, CHUNK + 1, CHUNK + 7):
        assert recommend_many(people.loc[[client]], EVIDENCE).loc[client].equals(whole.loc[client])
        assert shuffled.loc[client].equals(whole.loc[client])


@settings(max_examples=60, deadline=None, derandomize=True)
@given(traits=st.frozensets(st.sampled_from(TRAITS)))
def test_traits_that_count_for_nothing_change_nothing(traits):
    for treatment in TREATMENTS:
        counts = heeded(treatment, traits, EVIDENCE)
        for scar in SCAR_TYPES:
            for ask in (EVIDENCE.fit, EVIDENCE.improvement):
                assert repr(ask(treatment, scar, counts)) == repr(ask(treatment, scar, traits))


# The numbers


def test_contributions_add_up_to_the_score():
    found = recommend_many(invented(1000, TABLES, seed=7), EVIDENCE)
    ranked = found[found["rank"].notna()]
    assert len(ranked) > 3000
    assert (ranked[POINTS].sum(axis=1) - ranked["score"]).abs().max() < 1e-9
    assert found.loc[found["rank"].isna(), [*ranking.NUMBERS, *POINTS]].isna().all(axis=None)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(client=clients())
def test_range_and_top_three_are_those_of_the_readings(client):
    """Against numpy's own quantiles and each reading put in order."""
    found = alone(client)
    ranked = found[found["rank"].notna()]
    drawn = readings(client, EVIDENCE, list(ranked.index))
    assert drawn.shape == (len(ranked), DRAWS)
    low, high = np.quantile(drawn, (0.05, 0.95), axis=1)
    assert ranked["score_low"].to_numpy() == pytest.approx(np.minimum(low, ranked["score"]), abs=1e-9)
    assert ranked["score_high"].to_numpy() == pytest.approx(np.maximum(high, ranked["score"]), abs=1e-9)
    steps = standing(client, EVIDENCE, scarlib.recommend(client, TABLES).loc[ranked.index, "reasons"])
    # What the client's health calls into question stands after all that it does not, in each reading too.
    placed = [sorted(zip(steps, -reading, steps.index, strict=True))[:3] for reading in drawn.T.astype(float)]
    counted = pd.Series([name for first in placed for *_, name in first]).value_counts().reindex(ranked.index).fillna(0)
    assert ranked["top3"].to_numpy() == pytest.approx(100 * counted.to_numpy() / DRAWS, abs=0.5)
    assert (ranked["top3"].to_numpy() >= 100 * counted.to_numpy() / DRAWS - 1e-9).all()  # ties share the place


@settings(max_examples=30, deadline=None, derandomize=True)
@given(client=clients())
def test_readings_are_triangles_and_weights_drawn_from_the_same_dice(client):
    """The method in its plainest words: dice for each treatment and criterion, half a step for each priority."""
    dice = np.random.default_rng(20_261_122)
    uniform = dice.random((len(TREATMENTS), len(CRITERIA), DRAWS))
    steps = dice.uniform(-0.5, 0.5, (len(CRITERIA), DRAWS))
    low, likely, high = (end[..., None] for end in values(client, EVIDENCE, TREATMENTS))
    width = np.where(high > low, high - low, 1)
    rising = low + np.sqrt(uniform * width * (likely - low))
    falling = high - np.sqrt((1 - uniform) * width * (high - likely))
    drawn = np.where(high > low, np.where(uniform < (likely - low) / width, rising, falling), low)
    given_ = np.array([client.priorities.get(name, 0.0) for name in CRITERIA])
    stepped = np.where(given_[:, None] > 0, np.clip(given_[:, None] + steps, 0.01, 3.5), 0)
    weights = np.stack([weights_of(dict(zip(CRITERIA, draw, strict=True))) for draw in stepped[:, ::100].T], axis=1)
    expected = 100 * (drawn[..., ::100] * weights).sum(axis=1)
    assert readings(client, EVIDENCE, TREATMENTS)[:, ::100] == pytest.approx(expected, abs=1e-3)


# What a book may look like


def test_a_book_kept_as_csv_says_the_same(tmp_path):
    cells = frame(
        [
            Client({"rolling": 3, "icepick": 1.5}, 4, {"deep", "tethered"}, 3, {"smoking"}, budget_usd=3000),
            Client({"boxcar": 1}, None, priorities={"cost": 3, "downtime": 1}, setting="med_spa", max_pain=4),
            Client({"keloid": 2}, 6, conditions={"rosacea", "pregnancy"}, max_downtime_days=2.5, max_sessions=3),
        ],
        ["A17", "B2", "C3"],
    )
    text = cells.copy()
    for name in ("scars", "priorities"):
        text[name] = [";".join(f" {key} : {weight} " for key, weight in cell.items()) for cell in cells[name]]
    for name in ("traits", "conditions"):
        text[name] = ["; ".join(sorted(cell)) for cell in cells[name]]
    text.to_csv(tmp_path / "book.csv", index_label="client")
    found = recommend_many(pd.read_csv(tmp_path / "book.csv", index_col="client"), EVIDENCE)
    assert found.index.names == ["client", "treatment_id"]
    expected = recommend_many(cells, EVIDENCE)
    assert found.rename_axis(expected.index.names).equals(expected)
    as_text = pd.read_csv(tmp_path / "book.csv", index_col="client", dtype=str)
    assert recommend_many(as_text, EVIDENCE).equals(found)


@pytest.mark.parametrize("missing", [None, math.nan, pd.NA, np.nan, ""])
@pytest.mark.parametrize("field", [name for name in FIELDS if name != "scars"])
def test_a_missing_cell_is_not_known_or_no_limit(field, missing):
    rows = pd.DataFrame({"scars": [{"rolling": 1}, {"rolling": 1}], field: pd.Series([missing, missing], dtype=object)})
    alike = field == "priorities" and isinstance(missing, str)  # no priorities is not the usual ones
    default = {} if alike else getattr(Client({"rolling": 1}), field)
    expected = alone(Client({"rolling": 1}, **{field: default}))
    assert recommend_many(rows, EVIDENCE).loc[0].equals(expected)
    assert recommend_many(rows[["scars"]], EVIDENCE).loc[0].equals(alone(Client({"rolling": 1})))


def test_one_missing_cell_does_not_spoil_the_whole_numbers_beside_it():
    for kind in (object, float, "Int64"):
        rows = pd.DataFrame({"scars": "rolling:1", "fitzpatrick": pd.array([4, None], dtype=kind)})
        found = recommend_many(rows, EVIDENCE)
        assert found.loc[0].equals(alone(Client({"rolling": 1}, 4)))
        assert found.loc[1].equals(alone(Client({"rolling": 1})))


def test_the_ids_stay_as_they_are():
    rows = invented(3, TABLES)
    dates = pd.date_range("2026-11-01", periods=3, name="seen")
    pairs = pd.MultiIndex.from_tuples([("a", 1), ("b", 2), ("a", 2)], names=["clinic", "room"])
    for ids in (pd.Index(["x", "y", "z"]), dates, pairs, pd.Index([7, -1, 0], name=0)):
        found = recommend_many(rows.set_axis(ids), EVIDENCE)
        assert list(found.index.droplevel("treatment_id").unique()) == list(ids)
        assert found.index.names == [*(name if name is not None else "client_id" for name in ids.names), "treatment_id"]
        expected = recommend_many(rows, EVIDENCE)
        assert found.reset_index(drop=True).equals(expected.reset_index(drop=True))
        assert list(found.index.get_level_values(-1)) == list(expected.index.get_level_values(-1))


def test_an_empty_book_has_an_empty_answer():
    found = recommend_many(invented(2, TABLES).iloc[:0], EVIDENCE)
    one = recommend_many(invented(1, TABLES), EVIDENCE)
    assert len(found) == 0
    assert list(found.columns) == list(one.columns)
    assert found.dtypes.equals(one.dtypes)


def test_the_book_itself_is_left_as_it_was():
    rows = invented(5, TABLES)
    before = rows.map(repr)
    recommend_many(rows, EVIDENCE)
    assert rows.map(repr).equals(before)


# Faults


def test_every_fault_of_every_row_is_told_with_id_column_and_what_is_allowed():
    rows = pd.DataFrame(
        {
            "scars": ["rolling", "rolling:1; acne:2", {"icepick": 1}],
            "fitzpatrick": [9, 4, "IV"],
            "traits": ["deep", "flat; deep", ["wide"]],
            "priorities": ["cost:4", None, "cost:1; cost:2"],
            "shoe_size": [1, 2, 3],
        },
        ["A", "B", "C"],
    )
    found = problems(rows)
    for client, column, what, allowed in (
        ("'A'", "scars", "'rolling' has no weight", "rolling:3; icepick:1"),
        ("'A'", "fitzpatrick", "9", "from 1 to 6"),
        ("'A'", "priorities", "4 for 'cost'", "from 0 to 3"),
        ("'B'", "scars", "'acne'", ", ".join(SCAR_TYPES)),
        ("'B'", "traits", "'flat'", ", ".join(TRAITS)),
        ("'C'", "fitzpatrick", "'IV'", "from 1 to 6"),
        ("'C'", "priorities", "'cost' stands twice", "Keep one"),
    ):
        start = f"client {client}, column {column}: "
        assert [text for text in found if text.startswith(start) and what in text and allowed in text], (start, found)
    assert found[0].startswith("column 'shoe_size': is not known. Allowed is any of: scars, ")
    assert len(found) == 8


def test_faults_of_the_table_are_told_with_those_of_its_cells():
    rows = pd.DataFrame({"fitzpatrick": [1, 8, 2], "severity": 1}, ["A", "A", None])
    rows.insert(2, "severity", 2, allow_duplicates=True)
    found = "\n".join(problems(rows))
    for words in ("column scars: is missing", "column 'severity': stands twice", "client 'A': stands twice",
                  "a client has no id", "client 'A', column fitzpatrick: 8"):  # fmt: skip
        assert words in found
    assert len(problems(rows)) == 5
    assert "DataFrame" in problems([{"scars": {"rolling": 1}}])[0]
    stacked = pd.DataFrame([["rolling:1"]], columns=pd.MultiIndex.from_tuples([("scars", "left")]))
    assert "column ('scars', 'left'): is not known" in problems(stacked)[0]


def test_a_condition_is_one_of_the_tables_given():
    rows = pd.DataFrame({"scars": "rolling:1", "conditions": ["smoking", "left-handed"]})
    (only,) = problems(rows)
    assert only.startswith("client 1, column conditions: 'left-handed' is not known. Allowed is any of: ")


def test_a_thousand_faults_are_enough():
    found = problems(pd.DataFrame({"scars": "rolling:1", "fitzpatrick": [9] * (MAX_TOLD + 50)}))
    assert len(found) == MAX_TOLD + 1
    assert found[-1] == "clients: has more problems than these 1,000. Mend these first."
    assert len(problems(pd.DataFrame({"scars": "rolling:1", "fitzpatrick": [9] * MAX_TOLD}))) == MAX_TOLD


def test_nothing_is_worked_out_for_a_book_with_a_fault_at_its_end(monkeypatch):
    def refuse(*_):
        raise AssertionError("worked")

    monkeypatch.setattr(book, "score", refuse)
    rows = invented(CHUNK + 5, TABLES).astype({"fitzpatrick": object})
    rows.iloc[-1, rows.columns.get_loc("fitzpatrick")] = 0
    (only,) = problems(rows)
    assert only.startswith(f"client {CHUNK + 5}, column fitzpatrick: 0 is not allowed.")


# The bar


def test_a_short_wait_shows_no_bar_and_a_long_one_does(monkeypatch, capsys):
    import tqdm.std

    recommend_many(invented(3, TABLES), EVIDENCE)
    assert capsys.readouterr() == ("", "")
    clock = iter(range(0, 10_000, 5))
    monkeypatch.setattr(tqdm.std, "time", lambda: float(next(clock)))
    recommend_many(invented(3, TABLES), EVIDENCE)
    assert "3/3" in capsys.readouterr().err


def test_the_bar_is_loaded_only_by_those_who_wait(root):
    code = (
        "import sys, scarlib, scarlib.book; scarlib.recommend(scarlib.Client(scars={'rolling': 1}));"
        "print('tqdm' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


# The study


def test_invented_clients_are_the_same_for_the_same_seed_and_of_every_kind():
    one = invented(400, TABLES, seed=5)
    assert one.map(repr).equals(invented(400, TABLES, seed=5).map(repr))
    assert not one.map(repr).equals(invented(400, TABLES, seed=6).map(repr))
    assert set().union(*one["scars"]) == set(SCAR_TYPES)
    assert set().union(*one["traits"]) == set(TRAITS)
    assert set().union(*one["conditions"]) == set(CONDITIONS)
    assert set(one["fitzpatrick"]) == {1, 2, 3, 4, 5, 6}
    assert all(set(row) == set(PRIORITIES) for row in one["priorities"])


def test_first_choices_are_counted_by_group_of_skin_types():
    people = invented(300, TABLES)
    options = recommend_many(people, EVIDENCE)
    found = first_choices(people, options, TABLES)
    assert found.sum().to_numpy() == pytest.approx([100, 100])
    first = {client: options.loc[client].index[0] for client in people.index}
    for group, types in (("types I to III", (1, 2, 3)), ("types IV to VI", (4, 5, 6))):
        ids = people.index[people["fitzpatrick"].isin(types)]
        for treatment in (NO_TREATMENT, "microneedling", "dermabrasion"):
            share = 100 * sum(first[client] == treatment for client in ids) / len(ids)
            name = TABLES.treatments.at[treatment, "name"]
            assert (found[group].get(name, 0)) == pytest.approx(share)


def test_the_check_counts_what_slips_through():
    people = invented(60, TABLES)
    options = recommend_many(people, EVIDENCE)
    row = checked(people, options, EVIDENCE, sample=40).iloc[0]
    assert row.to_dict() == {
        "clients": 60,
        "ranked": int(options["verdict"].isin(RANKED).sum()),
        "avoid among them": 0,
        "clients screened again": 40,
        "verdicts compared": 40 * len(TREATMENTS),
        "verdicts that differ": 0,
    }
    spoilt = options.assign(verdict="avoid")
    row = checked(people, spoilt, EVIDENCE, sample=60).iloc[0]
    assert row["avoid among them"] == row["ranked"]
    assert row["verdicts that differ"] == (options["verdict"] != "avoid").sum()
