"""Drain's tree over masked lines: which pattern a line belongs to (He et al., ICWS 2017; library drain3).

Lines are masked first (masks.py), so that what varies by its shape does not reach the tree. A masked line that was seen
before is answered from a cache: a template only ever becomes more general, so the answer stays true.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

from drain3.drain import Drain

from services.ingestion.masks import mask

_DEPTH = 4
_SIMILARITY = 0.4
_MOST_CHILDREN = 100
_MOST_TOKENS = 60
_CACHE = 4096
ANY = "<*>"


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
        self._drain = Drain(depth=_DEPTH, sim_th=_SIMILARITY, max_children=_MOST_CHILDREN, max_clusters=most_clusters,
                            profiler=None, param_str=ANY, parametrize_numeric_tokens=True)
        self._cache: OrderedDict[str, int] = OrderedDict()

    def add(self, body: str) -> Cluster:
        """The pattern of a line, made when there is none like it."""
        masked = shape(body)
        number = self._cache.get(masked)
        if number is not None:
            cluster = self._drain.id_to_cluster.get(number)
            if cluster is not None:
                self._drain.id_to_cluster[number]
                return Cluster(number, cluster.get_template(), False, False)
        cluster, change = self._drain.add_log_message(masked)
        self._cache[masked] = cluster.cluster_id
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


def shape(body: str) -> str:
    """What of a line says which pattern it is: the first line of its text, masked, its first tokens."""
    first = body.lstrip().partition("\n")[0]
    tokens = mask(first).split()
    return " ".join(tokens[:_MOST_TOKENS])
