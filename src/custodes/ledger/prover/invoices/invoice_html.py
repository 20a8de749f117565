"""An invoice as a page to print: one HTML file without scripts or anything to fetch.

In: an ``Invoice``, who sends it. Out: HTML text. Nothing is computed or checked here.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from custodes.ledger.verifier.invoices.invoice import Invoice

_STYLE = """
body { font: 11pt/1.45 system-ui, sans-serif; color: #1a1a1a; max-width: 46rem; margin: 3rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; font-weight: 600; margin: 0 0 .3rem; }
p.sub { color: #555; margin: 0 0 2rem; }
table { border-collapse: collapse; width: 100%; margin: 0 0 1.5rem; }
th, td { text-align: left; padding: .45rem .6rem .45rem 0; border-bottom: 1px solid #ddd; vertical-align: top; }
th { font-weight: 600; font-size: .85em; color: #555; }
td.n, th.n { text-align: right; padding-right: 0; font-variant-numeric: tabular-nums; white-space: nowrap; }
td small { color: #666; display: block; }
tr.total td { border-bottom: 0; border-top: 2px solid #1a1a1a; font-weight: 600; font-size: 1.1em; }
footer { font-size: .8em; color: #555; margin-top: 2.5rem; overflow-wrap: anywhere; }
@page { margin: 18mm; } @media print { body { margin: 0; max-width: none; } }
"""


def render(invoice: Invoice, sender: str) -> str:
    """The page. ``sender`` is printed as given, like a company name."""
    bill = invoice.bill
    currency = _text(bill.get("currency"))
    total = bill.get("total")
    hundredths = total if isinstance(total, int) else 0
    payable = f"{hundredths // 100}.{hundredths % 100:02d} {currency}"
    lines = bill.get("lines")
    rows = "".join(_row(line, currency) for line in lines) if isinstance(lines, list) else ""
    prices = bill.get("prices")
    name = prices.get("name") if isinstance(prices, Mapping) else ""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Invoice {_text(bill.get("month"))}, account {_text(bill.get("account"))}</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>Invoice for {_text(bill.get("month"))}</h1>
<p class="sub">{_text(sender)}<br>Account {_text(bill.get("account"))} · {_text(bill.get("uses"))} uses</p>
<table>
<thead><tr><th>Service</th><th class="n">Quantity</th><th class="n">Amount</th></tr></thead>
<tbody>
{rows}<tr class="total"><td colspan="2">Total</td><td class="n">{payable}</td></tr>
</tbody>
</table>
<footer>
<p>Prices: {_text(name)}. Amounts are exact; only the total is rounded.</p>
<p>This bill is part of the total in entry {invoice.entry.index} of the ledger. The file that comes with it proves so:
<code>python -m custodes.ledger verify INVOICE.json --trust trust.policy</code></p>
</footer>
</body>
</html>
"""


def _row(line: object, currency: str) -> str:
    if not isinstance(line, Mapping):
        return ""
    operations = line.get("operations")
    calls = ", ".join(f"{name} {count}" for name, count in operations.items()) if isinstance(operations, dict) else ""
    detail = f"<small>{_text(calls)}</small>" if calls else ""
    return (
        f"<tr><td>{_text(line.get('title'))}{detail}</td>"
        f'<td class="n">{_text(line.get("quantity"))} {_text(line.get("unit"))}</td>'
        f'<td class="n">{_text(line.get("amount"))} {currency}</td></tr>\n'
    )


def _text(value: object) -> str:
    return escape(str(value if value is not None else ""))
