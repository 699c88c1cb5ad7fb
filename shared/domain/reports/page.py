"""A report as one HTML page: headline, charts, table. Complete in itself: no script, nothing loaded from elsewhere."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from domain.reports.charts import bars, columns, line
from domain.reports.figures import COLUMNS, Row
from domain.reports.requests import ACTIVITY, GROWTH, LOCALES, ReportRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

MEDIA_TYPE = "text/html; charset=utf-8"

TITLES = {GROWTH: "Growth of users", LOCALES: "Locales of users", ACTIVITY: "Activity of users"}
NAMES = {
    "period": "Period",
    "new_users": "New users",
    "total_users": "Users in all",
    "created": "Created",
    "updated": "Last changed",
    "locale": "Locale",
    "users": "Users",
    "share": "Share",
}
LOCALES_SHOWN = 20
"""Bars; the rest is one bar, and the table has all of them."""

# Nothing may be loaded or run even if somebody's text got past `escape`.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

_STYLE = """
:root{color-scheme:light dark;--paper:#fbfaf8;--card:#fff;--ink:#1d2326;--soft:#5d686e;--rule:#e2dfd9;
--one:#0f766e;--two:#c2620a;--wash:#0f766e1f}
@media(prefers-color-scheme:dark){:root{--paper:#14181a;--card:#1c2225;--ink:#e8eaea;--soft:#a0abb0;--rule:#31393d;
--one:#3bb8a9;--two:#f0a052;--wash:#3bb8a926}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:58rem;margin:0 auto;padding:2.5rem 1.25rem 4rem}
h1{margin:0;font-size:1.75rem;line-height:1.2;letter-spacing:-.01em}
h2{margin:0 0 .75rem;font-size:1.05rem}
.about{margin:.35rem 0 2rem;color:var(--soft)}
dl{display:flex;flex-wrap:wrap;gap:1rem;margin:0 0 1.5rem}
dl div{flex:1 1 10rem;padding:.9rem 1.1rem;background:var(--card);border:1px solid var(--rule);border-radius:10px}
dt{color:var(--soft);font-size:.85rem}
dd{margin:.1rem 0 0;font-size:1.6rem;font-weight:600;font-variant-numeric:tabular-nums}
figure,section{margin:0 0 1.5rem;padding:1.25rem;background:var(--card);border:1px solid var(--rule);border-radius:10px}
svg{display:block;width:100%;height:auto}
text{font-size:12px;fill:var(--soft)}
text.name,text.value{font-size:13px;fill:var(--ink)}
.grid{stroke:var(--rule)}.axis{stroke:var(--soft)}
.s1{fill:var(--one)}.s2{fill:var(--two)}
.line{fill:none;stroke:var(--one);stroke-width:2.5;stroke-linejoin:round;stroke-linecap:round}
.area{fill:var(--wash)}.dot{fill:var(--one)}
.key{display:flex;gap:1.25rem;margin:.75rem 0 0;padding:0;list-style:none;font-size:.875rem;color:var(--soft)}
.key i{display:inline-block;width:.75rem;height:.75rem;margin-right:.4rem;border-radius:3px;vertical-align:-.05rem}
.key .s1 i{background:var(--one)}.key .s2 i{background:var(--two)}
.scroll{max-height:26rem;overflow:auto}
table{width:100%;border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums}
th,td{padding:.4rem .6rem;text-align:right;border-bottom:1px solid var(--rule)}
th:first-child,td:first-child{text-align:left}
thead th{position:sticky;top:0;background:var(--card);color:var(--soft);font-weight:600}
tbody th{font-weight:400}
@media print{body{background:#fff}.scroll{max-height:none}figure,section{break-inside:avoid}}
"""


def render(request: ReportRequest, rows: Sequence[Row], generated_at: str) -> bytes:
    """The page, in UTF-8."""
    title = TITLES[request.kind]
    about = f"{_span(request)} (UTC), made on {generated_at[:10]} at {generated_at[11:16]}"
    body = "".join((_numbers(request, rows), _charts(request, rows), _table(request, rows)))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="content-security-policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}: {escape(_span(request))}</title><style>{_STYLE}</style></head>"
        f'<body><main><h1>{escape(title)}</h1><p class="about">{escape(about)}</p>{body}</main></body></html>'
    ).encode()


def _span(request: ReportRequest) -> str:
    return f"{'all users up to' if request.first is None else f'{request.first} to'} {request.last}".capitalize()


def _numbers(request: ReportRequest, rows: Sequence[Row]) -> str:
    if request.kind == GROWTH:
        facts = [("New users", sum(row["new_users"] for row in rows)), ("Users in all", rows[-1]["total_users"])]
    elif request.kind == ACTIVITY:
        facts = [
            ("Created", sum(row["created"] for row in rows)),
            ("Last changed", sum(row["updated"] for row in rows)),
        ]
    else:
        facts = [("Users", sum(row["users"] for row in rows)), ("Locales", len(rows))]
    return f"<dl>{''.join(f'<div><dt>{name}</dt><dd>{value:,}</dd></div>' for name, value in facts)}</dl>"


def _charts(request: ReportRequest, rows: Sequence[Row]) -> str:
    if request.kind == LOCALES:
        shown = [(row["locale"], row["users"], _label(row["users"], row["share"])) for row in rows[:LOCALES_SHOWN]]
        if len(rows) > LOCALES_SHOWN:
            rest = rows[LOCALES_SHOWN:]
            users = sum(row["users"] for row in rest)
            shown.append((f"{len(rest)} others", users, _label(users, sum(row["share"] for row in rest))))
        return _figure(
            "Users by locale", bars("locales", "Users by locale", _described(rows, "locale", "users"), shown)
        )
    names = [row["period"] for row in rows]
    if request.kind == GROWTH:
        new, total = ([row[name] for row in rows] for name in ("new_users", "total_users"))
        first = columns("new", "New users", _described(rows, "period", "new_users"), names, [("New users", new)])
        second = line("total", "Users in all", _described(rows, "period", "total_users"), names, total)
        return _figure("New users", first) + _figure("Users in all", second)
    series = [(NAMES[name], [row[name] for row in rows]) for name in ("created", "updated")]
    about = f"{_described(rows, 'period', 'created')} {_described(rows, 'period', 'updated')}"
    chart = columns("activity", "Users created and last changed", about, names, series)
    key = "".join(f'<li class="s{number + 1}"><i></i>{name}</li>' for number, (name, _) in enumerate(series))
    return _figure("Created and last changed", chart, f'<ul class="key" aria-hidden="true">{key}</ul>')


def _figure(title: str, chart: str, key: str = "") -> str:
    return f"<figure><h2>{escape(title)}</h2>{chart}{key}</figure>"


def _label(users: int, share: float) -> str:
    return f"{users:,} ({share:.1%})"


def _described(rows: Sequence[Row], by: str, column: str) -> str:
    """What a chart shows, in a sentence; the numbers are in the table."""
    if not rows:
        return "There are no users."
    most = max(rows, key=lambda row: row[column])
    return f"{NAMES[column]} from {rows[0][by]} to {rows[-1][by]}; the most are {most[column]:,}, {most[by]}."


def _table(request: ReportRequest, rows: Sequence[Row]) -> str:
    names = COLUMNS[request.kind]
    head = "".join(f'<th scope="col">{NAMES[name]}</th>' for name in names)
    body = "".join(
        f'<tr><th scope="row">{escape(str(row[names[0]]))}</th>'
        + "".join(f"<td>{_number(row[name])}</td>" for name in names[1:])
        + "</tr>"
        for row in rows
    )
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    scrolling = '<div class="scroll" tabindex="0" role="region" aria-label="The numbers">'
    return f"<section><h2>The numbers</h2>{scrolling}{table}</div></section>"


def _number(value: int | float) -> str:
    return f"{value:.2%}" if isinstance(value, float) else f"{value:,}"
