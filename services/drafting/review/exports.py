"""A post-mortem to take away: Markdown as it is, JSON of the contract, or one HTML file that prints well."""

import re
from html import escape

from google.protobuf.json_format import MessageToJson

from afteraction.v1.card_service_pb2 import FORMAT_HTML, FORMAT_JSON, FORMAT_MARKDOWN
from afteraction.v1.incident_pb2 import Severity
from afteraction.v1.postmortem_pb2 import Postmortem, PostmortemState
from shared.errors import InvalidArgument
from shared.markdown import to_html

# What our Markdown makes of a link that is neither an address nor within the page.
_LOCAL = re.compile(r'<a href="(?!#|https?:|mailto:)[^"]*">(.*?)</a>', re.DOTALL)
_STYLE = """
:root { color-scheme: light dark }
body { font: 16px/1.55 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem }
h1, h2, h3 { line-height: 1.25 } h2 { margin-top: 2.2rem; border-bottom: 1px solid #8886; padding-bottom: .2rem }
table { border-collapse: collapse; width: 100%; font-size: .92em }
th, td { border: 1px solid #8886; padding: .3rem .5rem; text-align: left; vertical-align: top }
blockquote { border-left: 4px solid #c80; margin-left: 0; padding: .1rem 1rem; background: #c801 }
pre { overflow-x: auto; padding: .7rem; background: #8882 } code { font-size: .92em }
header, footer, .footnotes { color: #777; font-size: .88em } .footnotes p { display: inline }
.footnotes-list { list-style: none; padding: 0 } .footnote-label { font-weight: 600 }
@media print { body { max-width: none; margin: 0; font-size: 10.5pt } h2, h3 { break-after: avoid }
  tr, blockquote, pre { break-inside: avoid }
  a { color: inherit; text-decoration: none } pre { white-space: pre-wrap } }
"""


def export(postmortem: Postmortem, form: int) -> tuple[str, str]:
    """Content and media type. Raises InvalidArgument for a form that only cards have."""
    if form == FORMAT_MARKDOWN:
        return postmortem.markdown, "text/markdown; charset=utf-8"
    if form == FORMAT_JSON:
        return MessageToJson(postmortem, preserving_proto_field_name=True), "application/json"
    if form == FORMAT_HTML:
        return page(postmortem), "text/html; charset=utf-8"
    raise InvalidArgument(
        "post-mortems are exported as Markdown, HTML or JSON", reason="FORMAT_NOT_SUPPORTED", field="format"
    )


def page(postmortem: Postmortem) -> str:
    """A whole HTML document: style inside, no script, nothing fetched from elsewhere; markup in the text is shown."""
    state = PostmortemState.Name(postmortem.state).removeprefix("POSTMORTEM_STATE_").replace("_", " ").lower()
    severity = Severity.Name(postmortem.severity).removeprefix("SEVERITY_")
    about = " · ".join(
        filter(
            None, (postmortem.name, severity, state, f"revision {postmortem.revision}", ", ".join(postmortem.services))
        )
    )
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(postmortem.title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<header>{escape(about)}</header>\n<main>\n{_self_contained(postmortem.markdown)}</main>\n</body>\n</html>\n"
    )


def _self_contained(markdown: str) -> str:
    """As HTML whose links lead somewhere from a file, too: those to a path of the dashboard are their text only."""
    return _LOCAL.sub(r"\1", to_html(markdown))
