"""The page of a simulation: one HTML file like the run report, marked as a trial."""

from exports.report.figures import Chart
from exports.report.html_page import html_cards, html_chart, html_document, html_section
from exports.simulation.figures import Page


def render_page(page: Page) -> str:
    """The whole page as an HTML document."""
    window = page.window
    return html_document(
        f"规则试算　{window.first} 至 {window.last}",
        "之前 = 现行规则，之后 = 试算规则；两边都在数据湖的副本上重算同一段历史，"
        "会员的行为不变，数据湖与已发布的数字均未改动。",
        ("badge trial", "试算，未发布"),
        [
            html_cards(page.headlines),
            html_section(page.rules),
            *(
                html_chart(part) if isinstance(part, Chart) else html_section(part)
                for part in page.parts
            ),
        ],
    )
