"""A post-mortem to take away."""

from afteraction.v1.card_service_pb2 import FORMAT_HTML
from afteraction.v1.postmortem_pb2 import Postmortem
from services.drafting.review.exports import export


def test_links_in_a_file_lead_somewhere_or_are_text() -> None:
    text = (
        "It was down[^E1], see [ours](/postmortems/a), [theirs](https://git.example.org/x) and [that](other.md).\n\n"
        "[^E1]: error share 23 % ([evidence](/incidents/a/evidence#E1))\n"
    )

    html, _ = export(Postmortem(name="postmortems/b", markdown=text), FORMAT_HTML)

    assert 'href="https://git.example.org/x"' in html and 'href="#fn' in html
    assert 'href="/' not in html and 'href="other' not in html
    assert "see ours," in html and "(evidence)" in html and "and that." in html
