"""Three controls and a ranked table in Dash, for bench/pages.py: gunicorn --chdir bench mini_dash:server

The table is the light one, plain HTML; DataTable would load more.
"""

import pandas as pd
from dash import Dash, Input, Output, callback, dcc, html
from mini_table import MOST_DAYS, SKIN_TYPES, START, ranked

app = Dash(title="Mini app")
server = app.server
app.layout = html.Div(
    [
        html.H1("What fits you"),
        html.Label("Skin type", htmlFor="skin"),
        dcc.Dropdown(list(SKIN_TYPES), START[0], id="skin", clearable=False),
        html.Label("Days off, at most", htmlFor="days"),
        dcc.Input(START[1], type="number", min=0, max=MOST_DAYS, id="days"),
        dcc.Checklist([{"label": "Only at home", "value": "home"}], [], id="home"),
        html.Div(id="result"),
    ]
)


@callback(Output("result", "children"), Input("skin", "value"), Input("days", "value"), Input("home", "value"))
def rank(skin: str, days: float | None, home: list[str]) -> html.Table:
    return as_table(ranked(skin, days, "home" in home))


def as_table(frame: pd.DataFrame) -> html.Table:
    return html.Table(
        [
            html.Thead(html.Tr([html.Th(name) for name in frame.columns])),
            html.Tbody([html.Tr([html.Td(str(cell)) for cell in row]) for row in frame.itertuples(index=False)]),
        ]
    )
