"""Verdicts on people of every kind, and on named medical cases with the claims they rest on."""

import csv
import dataclasses
import math
import re
from collections import defaultdict
from itertools import pairwise

import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import scarlib
from scarlib import Client
from scarlib.client import LIMITS, PRIORITIES, SCAR_TYPES, SETTINGS, TRAITS
from scarlib.evidence import weigh
from scarlib.ranking import health_doubt
from scarlib.screening import COUNTED, NO_TREATMENT, RANKED, VERDICTS, _implied, dollars, screen, screen_one
from scarlib.tables import DATA

TABLES = scarlib.load_tables()
EVIDENCE = weigh(TABLES)
TREATMENTS = list(TABLES.treatments.index)
SOURCES = set(TABLES.sources.index)
CONDITIONS = list(TABLES.conditions.index)
people = settings(max_examples=30, deadline=None, derandomize=True)


def read(name):
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# An oracle that shares no code with the library: which rules the files hold, and whom a condition concerns.
RULES = defaultdict(set)
for row in read("evidence.csv"):
    if row["attribute"] == "contraindication":
        RULES[row["treatment_id"], row["condition"]].add(row["level"])
CONCERNS = {
    row["condition_id"]: {name for name in row["concerns"].split(";") if name} for row in read("conditions.csv")
}
IMPLIES = {row["condition_id"]: {name for name in row["implies"].split(";") if name} for row in read("conditions.csv")}


def implied(conditions):
    found = set(conditions)
    while more := set().union(*(IMPLIES[name] for name in found)) - found if found else set():
        found |= more
    return found


def clients(**fixed):
    limits = {
        name: st.none() | st.floats(low, min(high, 20_000), allow_nan=False) for name, (low, high, _) in LIMITS.items()
    }
    fields = {
        "scars": st.dictionaries(st.sampled_from(SCAR_TYPES), st.floats(0.1, 10), min_size=1, max_size=4),
        "fitzpatrick": st.none() | st.integers(1, 6),
        "traits": st.frozensets(st.sampled_from(TRAITS), max_size=3),
        "severity": st.none() | st.integers(1, 4),
        "conditions": st.frozensets(st.sampled_from(CONDITIONS), max_size=4),
        "setting": st.none() | st.sampled_from(SETTINGS),
        "priorities": st.fixed_dictionaries({name: st.floats(0, 3) for name in PRIORITIES}),
        **limits,
        **fixed,
    }
    return st.builds(Client, **fields)


def worse(verdict):
    """0 for avoid .. 5 for suitable."""
    return VERDICTS.index(verdict)


def verdicts(client):
    return {treatment: verdict for treatment, (verdict, _) in screen(client, EVIDENCE).items()}


# True of everyone


@people
@given(clients())
def test_every_treatment_is_there_once_and_only_what_fits_is_ranked(client):
    options = scarlib.recommend(client, TABLES)
    assert sorted(options.index) == sorted(TREATMENTS)
    ranked = options["verdict"].isin(RANKED)
    assert not (options["verdict"] == "avoid")[ranked].any()
    assert options["rank"].isna().equals(~ranked)
    assert list(options.loc[ranked, "rank"]) == list(range(1, int(ranked.sum()) + 1))
    assert list(options.index[: int(ranked.sum())]) == list(options.index[ranked])
    assert options.loc[~ranked, ["score", "score_low", "score_high", "top3"]].isna().all(axis=None)
    assert set(options["verdict"]) <= set(VERDICTS)


@people
@given(clients())
def test_no_treatment_is_always_an_option(client):
    options = scarlib.recommend(client, TABLES)
    assert options.loc[NO_TREATMENT, "verdict"] == "suitable"
    assert options.loc[NO_TREATMENT, "rank"] >= 1


@people
@given(clients())
def test_the_worst_reason_is_the_verdict_and_every_reason_has_words_and_real_sources(client):
    for verdict, reasons in screen(client, EVIDENCE).values():
        assert reasons
        assert verdict == min((reason.level for reason in reasons), key=worse)
        for reason in reasons:
            assert reason.text.endswith(".")
            assert "nan" not in reason.text.split()
            assert "_" not in reason.text
            assert SOURCES.issuperset(reason.source_ids)
            if reason.level == "avoid":
                assert reason.source_ids, "what is ruled out has to say by whom"


@people
@given(clients(conditions=st.frozensets(st.sampled_from(CONDITIONS), min_size=1, max_size=6)))
def test_a_condition_no_row_speaks_of_is_at_best_with_care(client):
    found = screen(client, EVIDENCE)
    for condition in implied(client.conditions):
        for treatment in set(TREATMENTS) - {NO_TREATMENT}:
            concerned = not CONCERNS[condition] or treatment in CONCERNS[condition]
            if concerned and not RULES[treatment, condition]:
                verdict, reasons = found[treatment]
                assert worse(verdict) <= worse("caution"), (treatment, condition)
                strict = {reason.about for reason in reasons if reason.level in ("avoid", "defer")}
                stricter = strict & {f"condition:{name}" for name in implied({condition})}
                # What is implied may be told by what implies it; beside what rules out, "not known" is not said.
                if condition in client.conditions and not stricter:
                    assert any(condition in reason.about and "not known" in reason.text for reason in reasons)


@people
@given(clients(conditions=st.frozensets(st.sampled_from(CONDITIONS), min_size=1, max_size=4)))
def test_a_rule_in_the_tables_is_never_passed_over(client):
    found = verdicts(client)
    for condition in implied(client.conditions):
        for treatment in set(TREATMENTS) - {NO_TREATMENT}:
            levels = RULES[treatment, condition]
            if levels & {"avoid", "defer", "caution", "prophylaxis"}:
                assert worse(found[treatment]) <= worse("caution"), (treatment, condition)
            if "avoid" in levels and "no_delay" not in levels:
                assert found[treatment] == "avoid", (treatment, condition)


@people
@given(clients(), st.sampled_from(CONDITIONS))
def test_one_more_condition_never_makes_a_verdict_milder(client, condition):
    before = verdicts(client)
    after = verdicts(client.replace(conditions=client.conditions | {condition}))
    for treatment in TREATMENTS:
        assert worse(after[treatment]) <= worse(before[treatment]), (treatment, condition)


@people
@given(clients(), st.sampled_from(list(LIMITS)), st.floats(0, 1))
def test_a_tighter_limit_never_makes_a_verdict_milder(client, limit, share):
    before = verdicts(client)
    now = getattr(client, limit)
    low, high, _ = LIMITS[limit]
    after = verdicts(client.replace(**{limit: low + share * ((high if now is None else now) - low)}))
    for treatment in TREATMENTS:
        assert worse(after[treatment]) <= worse(before[treatment]), (treatment, limit)


@people
@given(clients(setting=st.none()))
def test_a_narrower_setting_never_makes_a_verdict_milder(client):
    steps = [verdicts(client.replace(setting=setting)) for setting in (None, "med_spa", "home")]
    for wider, narrower in pairwise(steps):
        for treatment in TREATMENTS:
            assert worse(narrower[treatment]) <= worse(wider[treatment]), treatment


@people
@given(clients(), st.sampled_from(SCAR_TYPES))
def test_raised_scars_beside_others_never_make_a_verdict_that_rules_out_milder(client, scar):
    assume(scar not in client.scars)
    before = verdicts(client)
    after = verdicts(client.replace(scars={**client.scars, scar: 1}))
    for treatment in TREATMENTS:
        if before[treatment] in ("avoid", "defer"):
            assert worse(after[treatment]) <= worse(before[treatment]), (treatment, scar)


@people
@given(clients(fitzpatrick=st.integers(4, 6)))
def test_skin_types_four_to_six_hear_of_dark_marks_first(client):
    for treatment, (_, reasons) in screen(client, EVIDENCE).items():
        if treatment != NO_TREATMENT:
            assert "(PIH)" in reasons[0].text
            assert "of 100" in reasons[0].text or "not known" in reasons[0].text


@people
@given(clients(), st.sampled_from(TREATMENTS))
def test_what_would_change_lets_it_in_and_asks_for_no_more_than_needed(client, treatment):
    change = scarlib.what_would_change(client, treatment, TABLES)
    verdict, reasons = screen(client, EVIDENCE)[treatment]
    # What is put off until something is known (a skin type) cannot be waited for.
    unknown = any(reason.level == "defer" and not reason.about.startswith("condition:") for reason in reasons)
    if verdict not in ("defer", "outside_limits") or unknown:
        assert change is None
        return
    assert change is not None
    assert change.text.endswith(".")
    assert verdicts(change.apply(client))[treatment] in RANKED
    for name, needed in change.limits.items():
        if name != "setting":
            step = 50 if name == "budget_usd" else 1  # limits are asked for in whole steps
            short = change.apply(client).replace(**{name: max(needed - step, 0)})
            assert verdicts(short)[treatment] not in RANKED, "a smaller change would have done"
    for condition in change.waits:
        still = change.apply(client)
        still = still.replace(conditions=still.conditions | {condition})
        assert verdicts(still)[treatment] not in RANKED, "the wait was not needed"


@pytest.mark.parametrize("scar", ["erythematous", "hyperpigmented", "hypertrophic", "keloid"])
def test_the_shape_of_a_dent_brings_nothing_in_for_marks_and_raised_scars(scar):
    plain = {name for name, verdict in verdicts(person([scar])).items() if verdict in RANKED}
    shaped = [person([scar], traits={trait}) for trait in TRAITS] + [person([scar], severity=3)]
    for client in shaped:
        fits = {name for name, verdict in verdicts(client).items() if verdict in RANKED}
        assert fits <= plain, (sorted(client.traits), client.severity)


@people
@given(clients(), st.sampled_from(SCAR_TYPES))
def test_the_same_person_gets_the_same_answer(client, scar):
    again = Client.from_json(client.to_json())
    assert screen(again, EVIDENCE) == screen(client, EVIDENCE)


# Named cases


def person(scars=("rolling",), **rest):
    return Client(scars=dict.fromkeys(scars, 1), **{"fitzpatrick": 2, **rest})


def case(treatment, client):
    verdict, reasons = screen(client, EVIDENCE)[treatment]
    return verdict, {reason.about: reason for reason in reasons}


def stands_on(treatment, condition, *claims):
    rows = TABLES.evidence.loc[list(claims)]
    assert set(rows["treatment_id"]) == {treatment}
    assert set(rows["condition"]) == {condition}
    assert set(claims) <= set(EVIDENCE.rule(treatment, condition).claims)
    return set(rows["source_id"])


def test_pregnancy_rules_out_a_retinoid_cream():
    verdict, why = case("topical_retinoid", person(["hyperpigmented"], conditions={"pregnancy"}))
    assert verdict == "avoid"
    sources = stands_on("topical_retinoid", "pregnancy", "C1697", "C2448", "C2450")
    assert sources <= set(why["condition:pregnancy"].source_ids)


def test_allergy_to_cattle_collagen_rules_out_pmma_alone():
    client = person(conditions={"bovine_collagen_allergy"})
    verdict, why = case("filler_pmma", client)
    assert verdict == "avoid"
    assert stands_on("filler_pmma", "bovine_collagen_allergy", "C0283") <= set(
        why["condition:bovine_collagen_allergy"].source_ids
    )
    before, after = verdicts(person()), verdicts(client)
    assert {name for name in TREATMENTS if before[name] != after[name]} <= {"filler_pmma"}


@pytest.mark.parametrize(
    ("treatment", "claim"),
    [("rf_microneedling", "C1385"), ("rf_fractional_bipolar", "C1321"), ("rf_nonablative", "C1460")],
)
def test_an_electronic_implant_rules_out_radiofrequency(treatment, claim):
    verdict, why = case(treatment, person(conditions={"electronic_implant"}))
    assert verdict == "avoid"
    assert stands_on(treatment, "electronic_implant", claim) <= set(why["condition:electronic_implant"].source_ids)


def test_an_electronic_implant_says_nothing_of_a_light_peel():
    client = person(["superficial"])
    assert case("peel_superficial", client.replace(conditions={"electronic_implant"})) == case(
        "peel_superficial", client
    )


@pytest.mark.parametrize("said", [{"scars": ["keloid"]}, {"scars": ["rolling"], "conditions": {"keloid_tendency"}},
                                  {"scars": ["rolling", "keloid"]}])  # fmt: skip
def test_keloids_rule_out_dermabrasion(said):
    verdict, why = case("dermabrasion", person(**said))
    assert verdict == "avoid"
    assert stands_on("dermabrasion", "keloid_tendency", "C0065") <= set(why["condition:keloid_tendency"].source_ids)


def test_raised_scars_told_as_scars_count_as_much_as_told_as_a_tendency():
    """The question behind keloid_tendency names hypertrophic scars: one person, one answer, however it was told."""
    assert "hypertrophic" in TABLES.conditions.loc["keloid_tendency", "question"]
    shown = verdicts(person(["rolling", "hypertrophic"]))
    ticked = verdicts(person(["rolling", "hypertrophic"], conditions={"keloid_tendency"}))
    assert shown == ticked


def test_a_tendency_that_only_the_scars_bring_in_is_said_to_be_counted_so():
    shown, ticked = (
        screen(person(["rolling", "hypertrophic"], conditions=named), EVIDENCE) for named in ((), {"keloid_tendency"})
    )
    said = {t: [r.text for r in shown[t][1] if r.about == "condition:keloid_tendency"] for t in TREATMENTS}
    assert sum(map(bool, said.values())) > 10
    for treatment, texts in said.items():
        assert all(COUNTED in text for text in texts), treatment
        assert COUNTED not in " ".join(reason.text for reason in ticked[treatment][1])


def test_a_softened_rule_still_says_that_sources_rule_it_out():
    found = screen(person(["hypertrophic"]), EVIDENCE)
    silent = [
        treatment
        for treatment in TREATMENTS
        if "avoid" in RULES[treatment, "keloid_tendency"]
        for reason in found[treatment][1]
        if reason.about == "condition:keloid_tendency" and reason.level != "avoid" and "not use" not in reason.text
    ]
    assert not silent


def test_keloids_keep_what_is_made_for_them():
    found = verdicts(person(["keloid"]))
    for treatment in ("triamcinolone_intralesional", "fluorouracil_intralesional", "cryotherapy", "silicone_gel"):
        assert found[treatment] in RANKED


def test_icepick_and_rolling_scars_get_different_answers():
    icepick = {t: case(t, person(["icepick"])) for t in TREATMENTS}
    rolling = {t: case(t, person(["rolling"])) for t in TREATMENTS}
    for treatment in ("tca_cross", "punch_techniques"):
        assert icepick[treatment][0] in RANKED
        assert icepick[treatment][1]["scar:icepick"].text.startswith("Sources call it good")
    assert icepick["subcision"][0] == "not_indicated"  # C1568
    assert icepick["laser_nonablative_fractional"][0] == "not_indicated"  # C0729, C2106
    assert icepick["dermabrasion"][0] == "not_indicated"  # C0096, C1817
    assert rolling["subcision"][0] in RANKED  # C1566
    assert rolling["subcision"][1]["scar:rolling"].text.startswith("Sources call it good")
    assert rolling["punch_techniques"][0] == "not_indicated"  # C1294
    assert rolling["laser_nonablative_fractional"][0] in RANKED


def test_bound_down_rolling_scars_call_for_subcision_not_for_light_or_current():
    client = person(traits={"tethered"})
    tethered = frozenset({"tethered"})
    assert EVIDENCE.fit("subcision", "rolling", tethered).level == "good"
    assert case("subcision", client)[0] in RANKED
    for treatment, claim in (("laser_co2_fractional", "C2013"), ("laser_nonablative_fractional", "C2099"),
                             ("rf_microneedling", "C2368")):  # fmt: skip
        found = EVIDENCE.fit(treatment, "rolling", tethered)
        assert found.level == "poor"
        assert claim in found.claims
        assert case(treatment, client)[0] == "not_indicated"


def test_recent_isotretinoin_and_fractional_co2_shows_panel_and_label():
    verdict, why = case("laser_co2_fractional", person(conditions={"isotretinoin_recent"}))
    assert verdict == "caution"
    stands_on("laser_co2_fractional", "isotretinoin_recent", "C0486")
    reason = why["condition:isotretinoin_recent"]
    assert "no reason" in reason.text
    assert "wait" in reason.text


def test_recent_isotretinoin_and_fractional_co2_names_panel_and_label_as_sources():
    _, why = case("laser_co2_fractional", person(conditions={"isotretinoin_recent"}))
    panel, label = "spring2017isotretinoin", "lumenis_safety"
    assert {panel, label} <= set(why["condition:isotretinoin_recent"].source_ids)


def test_isotretinoin_defers_full_ablation_and_rules_it_out_while_it_is_taken():
    verdict, why = case("laser_ablative_full", person(conditions={"isotretinoin_recent"}))
    assert verdict == "defer"
    assert why["condition:isotretinoin_recent"].weeks == 52
    assert "52 weeks" in why["condition:isotretinoin_recent"].text
    assert case("laser_ablative_full", person(conditions={"isotretinoin_current"}))[0] == "avoid"
    change = scarlib.what_would_change(person(conditions={"isotretinoin_recent"}), "laser_ablative_full")
    assert change is not None
    assert change.waits == {"isotretinoin_recent": 52}


@pytest.mark.parametrize("skin", [4, 5, 6])
def test_dark_skin_rules_out_a_phenol_peel(skin):
    verdict, why = case("peel_deep_phenol", person(["superficial"], fitzpatrick=skin))
    assert verdict == "avoid"
    assert "castillo2018peel" in why["skin"].source_ids  # C1127
    assert TABLES.evidence.loc["C1127", "source_id"] == "castillo2018peel"


@pytest.mark.parametrize("treatment", ["laser_ablative_full", "peel_medium", "dermabrasion"])
@pytest.mark.parametrize("skin", [5, 6])
def test_very_dark_skin_rules_out_what_takes_off_the_skin(treatment, skin):
    assert case(treatment, person(["superficial"], fitzpatrick=skin))[0] == "avoid"  # C2536, C2537, C2539


def test_a_permanent_filler_is_not_for_flat_marks():
    for scar in ("erythematous", "hyperpigmented"):
        found = verdicts(person([scar], severity=3))
        for treatment in ("filler_pmma", "subcision"):
            assert found[treatment] not in RANKED


def test_cold_sores_now_put_off_and_cold_sores_once_call_for_care():
    assert case("laser_co2_fractional", person(conditions={"herpes_active"}))[0] == "defer"
    verdict, why = case("laser_co2_fractional", person(conditions={"herpes_history"}))
    assert verdict == "caution"
    assert "antiviral" in why["condition:herpes_history"].text


def test_a_figure_from_few_people_says_so():
    """Fifteen people stand behind the rate of dark marks after a medium peel."""
    people_behind = EVIDENCE.pih("peel_medium", 4).people
    assert people_behind < 30
    _, why = case("peel_medium", person(["superficial"], fitzpatrick=4))
    assert "Fewer than 30 people" in why["pih"].text


def test_limits_are_held_against_the_typical_figure():
    usual = EVIDENCE.number("laser_co2_fractional", "downtime_days").typical
    assert usual > 1
    verdict, why = case("laser_co2_fractional", person(max_downtime_days=usual - 0.5))
    assert verdict == "outside_limits"
    assert why["limit:max_downtime_days"].source_ids
    assert case("laser_co2_fractional", person(max_downtime_days=usual))[0] in RANKED
    change = scarlib.what_would_change(person(max_downtime_days=0), "laser_co2_fractional")
    assert change is not None
    assert change.limits == {"max_downtime_days": usual}


def test_what_only_a_doctor_may_do_is_outside_a_med_spa():
    verdict, why = case("subcision", person(setting="med_spa"))
    assert verdict == "outside_limits"
    assert why["setting"].source_ids
    change = scarlib.what_would_change(person(setting="med_spa"), "subcision")
    assert change is not None
    assert change.limits == {"setting": None}


@pytest.mark.parametrize("treatment", TREATMENTS)
def test_sources_that_ask_for_a_doctor_are_named_where_others_do_not(treatment):
    said = TABLES.evidence[(TABLES.evidence["treatment_id"] == treatment) & (TABLES.evidence["attribute"] == "setting")]
    if (said["level"] == "med_spa").any() and (said["level"] == "physician").any():
        _, why = case(treatment, person(setting="med_spa"))
        assert "doctor" in why["setting"].text
        assert set(said.loc[said["level"] == "physician", "source_id"]) <= set(why["setting"].source_ids)


def test_a_chain_of_conditions_waits_for_the_longest():
    """Someone on isotretinoin is told the longer of the two waits that follow from it."""
    rows = TABLES.evidence.loc[["C0478", "C0478"]].copy()
    rows.index = pd.Index(["K1", "K2"], name="claim_id")
    rows["condition"] = ["isotretinoin_current", "isotretinoin_recent"]
    rows["level"], rows["low"], rows["high"] = "defer", [52.0, 26.0], [52.0, 26.0]
    keep = TABLES.evidence[TABLES.evidence["attribute"] != "contraindication"]
    tables = dataclasses.replace(TABLES, evidence=pd.concat([keep, rows]))
    change = scarlib.what_would_change(person(conditions={"isotretinoin_current"}), "laser_co2_fractional", tables)
    assert change is not None
    assert change.waits == {"isotretinoin_current": 52}


def test_a_clinics_own_conditions_can_be_waited_for():
    row = TABLES.conditions.loc[["recent_tan"]].rename(index={"recent_tan": "own_rule"})
    claim = TABLES.evidence[TABLES.evidence["condition"] == "recent_tan"].iloc[[0]].copy()
    claim.index = pd.Index(["K1"], name="claim_id")
    claim["condition"], claim["level"], claim["treatment_id"] = "own_rule", "defer", "subcision"
    tables = dataclasses.replace(
        TABLES,
        conditions=pd.concat([TABLES.conditions, row]),
        evidence=pd.concat([TABLES.evidence, claim]),
    )
    client = Client(scars={"rolling": 1}, fitzpatrick=2, conditions={"own_rule"}, max_downtime_days=0, tables=tables)
    assert scarlib.recommend(client, tables).loc["subcision", "verdict"] == "defer"
    change = scarlib.what_would_change(client, "subcision", tables)
    assert change is not None
    assert set(change.waits) == {"own_rule"}


def test_an_unknown_treatment_is_named_with_what_is_allowed():
    with pytest.raises(scarlib.ClientError, match="subcision"):
        scarlib.what_would_change(person(), "magic")


def test_the_worst_reason_comes_first_after_dark_marks():
    client = person(fitzpatrick=5, conditions={"pregnancy", "smoking"})
    for _, reasons in screen(client, EVIDENCE).values():
        levels = [worse(reason.level) for reason in reasons if reason.about != "pih"]
        assert levels == sorted(levels)
        assert all(math.isnan(reason.weeks) or reason.weeks > 0 for reason in reasons)


def test_a_pacemaker_calls_a_phenol_peel_into_question():
    """Phenol can disturb the heartbeat (C1097 and the arrhythmia rows), which a pacemaker is there to keep."""
    verdict, _ = case("peel_deep_phenol", person(["rolling"], fitzpatrick=2, conditions={"electronic_implant"}))
    assert verdict == "caution"


def test_what_health_calls_into_question_comes_after_what_it_does_not():
    client = person(["rolling", "boxcar"], fitzpatrick=3, conditions={"electronic_implant"})
    options = scarlib.recommend(client, TABLES)
    ranked = [name for name in options.index[options["rank"].notna()] if name != NO_TREATMENT]
    doubts = [health_doubt(options.at[name, "reasons"]) for name in ranked]
    assert doubts == sorted(doubts)
    assert {0, 1} <= set(doubts)


def test_after_isotretinoin_what_panels_cleared_comes_before_what_nobody_has_studied():
    """The 2017 panels saw no reason to delay light peels and non-ablative lasers; no row speaks of fillers."""
    client = person(["rolling"], fitzpatrick=2, conditions={"isotretinoin_recent"})
    order = list(scarlib.recommend(client, TABLES).index)
    assert order.index("laser_nonablative_fractional") < order.index("filler_pmma")
    assert order.index("microneedling") < order.index("filler_caha")


@given(clients())
def test_no_condition_is_both_ruled_out_and_called_no_reason_to_wait(client):
    """Nd:YAG with isotretinoin once said "wait 52 weeks" and "no reason to wait"."""
    for verdict, reasons in screen(client, EVIDENCE).values():
        for condition in client.conditions:
            family = {f"condition:{name}" for name in _implied(condition, EVIDENCE)}
            levels = {reason.level for reason in reasons if reason.about in family}
            assert not ({"avoid", "defer"} & levels and "suitable" in levels), (verdict, reasons)


def test_a_wait_that_a_guideline_softens_still_says_how_long():
    told = [
        reason.text
        for _, reasons in screen(Client(scars={"rolling": 1}, conditions={"isotretinoin_recent"}), EVIDENCE).values()
        for reason in reasons
        if reason.level == "caution" and "Other sources say" in reason.text and "isotretinoin" in reason.text
    ]
    assert told
    assert all(re.search(r"wait \d+ weeks", text) for text in told if "wait" in text)


def test_what_sources_said_of_another_treatment_or_of_all_dents_is_told_so():
    def about(treatment, scar):
        _, reasons = screen_one(treatment, Client(scars={scar: 2}, fitzpatrick=2), EVIDENCE)
        return " ".join(reason.text for reason in reasons if reason.about == f"scar:{scar}")

    assert "Said of microneedling." in about("microneedling_prp", "boxcar")
    assert "Said of" not in about("microneedling", "boxcar")
    assert "A source calls it good for icepick scars (weak evidence). Said of dents of all kinds." in about(
        "rf_fractional_bipolar", "icepick"
    )


def test_days_off_are_not_named_twice():
    for treatment in TABLES.treatments.index:
        for days in (0, 1, 5, 10):
            _, reasons = screen_one(treatment, Client({"rolling": 2}, max_downtime_days=days), EVIDENCE)
            for reason in reasons:
                assert not re.search(r"Days off:.*days? off", reason.text), reason.text


@pytest.mark.parametrize(
    ("value", "words"),
    [(4.5, "$5"), (25, "$25"), (99.4, "$99"), (105, "$110"), (115, "$120"), (1345, "$1,350"), (math.inf, "$inf")],
)
def test_dollars_are_rounded_to_ten_from_a_hundred_on_and_halves_go_up(value, words):
    assert dollars(value) == words


def test_a_cost_above_the_budget_is_never_told_as_the_budget():
    compared = 0
    for treatment in TABLES.treatments.index.drop("no_treatment"):
        usual = EVIDENCE.course_cost(treatment).typical
        for less in (1, 4, 5, 9):
            if not usual > less:
                continue
            client = Client(scars={"rolling": 2}, budget_usd=usual - less)
            _, reasons = screen_one(treatment, client, EVIDENCE)
            for reason in reasons:
                if found := re.search(r"(?:usually|at least) (\$[\d,]+), more than your (\$[\d,]+)", reason.text):
                    told, limit = (int(words.replace("$", "").replace(",", "")) for words in found.groups())
                    assert told > limit, reason.text
                    compared += 1
    assert compared > 40


def test_whoever_is_told_to_wait_after_a_drug_is_told_not_to_stop_it_by_themselves():
    drugs = ("anticoagulant", "nsaid_recent", "isotretinoin_current", "photosensitising_drug", "immunosuppression")
    told = set()
    for drug in drugs:
        client = Client(scars={"rolling": 2}, fitzpatrick=2, conditions={drug})
        for treatment in TABLES.treatments.index:
            _, reasons = screen_one(treatment, client, EVIDENCE)
            for reason in reasons:
                if reason.level == "defer" and reason.about == f"condition:{drug}":
                    assert "Our advice: never stop a drug unless the doctor who prescribed it agrees." in reason.text
                    told.add(drug)
    assert {"nsaid_recent", "isotretinoin_current"} <= told
