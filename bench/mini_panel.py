"""Three controls and a ranked table in Panel, for bench/pages.py: panel serve bench/mini_panel.py

The table is the light one, plain HTML; Tabulator would load more.
"""

import panel as pn
from mini_table import MOST_DAYS, SKIN_TYPES, START, ranked

pn.extension()

skin = pn.widgets.Select(name="Skin type", options=list(SKIN_TYPES), value=START[0])
days = pn.widgets.IntInput(name="Days off, at most", value=START[1], start=0, end=MOST_DAYS)
home = pn.widgets.Checkbox(name="Only at home", value=START[2])
table = pn.pane.DataFrame(pn.bind(ranked, skin, days, home), index=False)

pn.Row(pn.Column("# What fits you", skin, days, home), table).servable(title="Mini app")
