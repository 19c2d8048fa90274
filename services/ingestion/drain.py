"""Drain's tree over masked lines: which pattern a line belongs to (He et al., ICWS 2017; library drain3).

Lines are masked first (masks.py), so that what varies by its form does not reach the tree. What is left are words,
and two lines that differ in a word say different things: `VM paused` is not `VM resumed`. So a word is a variable only
where the tree has become crowded with lines that are alike (names of people and things that have no form); there
Drain's similarity decides, as it would have decided everywhere.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from drain3.drain import Drain, LogCluster

from services.ingestion.masks import ANY, collapsed, mask

_DEPTH = 4
_SIMILARITY = 0.5
_MOST_CHILDREN = 200
# Different wordings under one length and first word, from which on the next one is compared by similarity.
_CROWD = 64
_MOST_TOKENS = 60
_LONGEST_LINE = 2000
_CACHE = 8192


@dataclass(slots=True)
class Cluster:
    """A pattern as the tree knows it. number: unique within its tree."""

    number: int
    template: str
    is_new: bool
    has_changed: bool


class Tree:
    """The patterns of one service; the least recently used are forgotten beyond `most_clusters`."""

    def __init__(self, most_clusters: int) -> None:
        self._drain = _Words(depth=_DEPTH, sim_th=_SIMILARITY, max_children=_MOST_CHILDREN,
                             max_clusters=most_clusters, profiler=None, param_str=ANY)
        # A template only ever becomes more general, so that an answer stays true.
        self._cache: OrderedDict[str, int] = OrderedDict()

    def add(self, body: str) -> Cluster:
        """The pattern of a line, made when there is none like it."""
        line = collapsed(first_line(body))
        number = self._cache.get(line)
        if number is not None:
            cluster = self._drain.id_to_cluster[number]
            if cluster is not None:
                self._cache.move_to_end(line)
                return Cluster(number, cluster.get_template(), False, False)
        cluster, change = self._drain.add_log_message(shape(line))
        self._cache[line] = cluster.cluster_id
        if len(self._cache) > _CACHE:
            self._cache.popitem(last=False)
        return Cluster(cluster.cluster_id, cluster.get_template(), change == "cluster_created",
                       change == "cluster_template_changed")

    def restore(self, templates: Iterable[str]) -> list[int]:
        """Takes over templates of an earlier life; returns their numbers, in order."""
        return [self._drain.add_log_message(template)[0].cluster_id for template in templates]

    def numbers(self) -> set[int]:
        """Of the patterns that are not forgotten."""
        return set(self._drain.id_to_cluster)


def first_line(body: str) -> str:
    """What of a body says which pattern it is: the first line of its text, its tokens one space apart."""
    return " ".join(body[:_LONGEST_LINE].lstrip().partition("\n")[0].split()[:_MOST_TOKENS])


def shape(line: str) -> str:
    """A collapsed line, masked."""
    return mask(line)


class _Words(Drain):  # type: ignore[misc]  # the library has no types
    """Drain that takes words at their word until a leaf of its tree is crowded."""

    def fast_match(self, cluster_ids: Sequence[int], tokens: list[str], sim_th: float,
                   include_params: bool) -> LogCluster | None:
        """The template that the line fits as it is, the most literal one; in a crowd the one most like it."""
        best, fewest = None, len(tokens) + 1
        for number in cluster_ids:
            cluster = self.id_to_cluster.get(number)
            if cluster is None:
                continue
            template = cluster.log_template_tokens
            if all(left in (ANY, right) for left, right in zip(template, tokens, strict=True)):
                general = template.count(ANY)
                if general < fewest:
                    best, fewest = cluster, general
        if best is None and len(cluster_ids) > _CROWD:
            return super().fast_match(cluster_ids, tokens, sim_th, include_params)
        return best
