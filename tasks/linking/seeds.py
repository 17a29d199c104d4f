"""Seeds of clustering: reliable nodes, grouped to units of one chunk and one voice each."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.linking.nodes import Array, Node, order_nodes
from tasks.linking.pairs import merge_twins


def find_seeds(nodes: Sequence[Node], placed: Array, reliable_s: float, least: int = 1) -> list[list[int]]:
    """Group nodes with at least `reliable_s` seconds of speech to units; `placed` (N, D), whitened means.

    Where these make fewer than `least` units, shorter nodes are added, the longest first. Transition nodes (see
    `nodes.is_transition_label`) are added last.
    """
    order = order_nodes(nodes)
    heard = [i for i in order if not nodes[i].is_transition] or order
    sure = [i for i in heard if nodes[i].seconds >= reliable_s] or heard
    found = _group_twins(nodes, placed, sure)
    if len(found) >= least:
        return found
    left = sorted(set(order) - set(sure), key=lambda i: (nodes[i].is_transition, -nodes[i].seconds, order.index(i)))
    for count in range(1, len(left) + 1):
        more = {*sure, *left[:count]}
        found = _group_twins(nodes, placed, [i for i in order if i in more])
        if len(found) >= least:
            return found
    # With no more nodes to add, similar nodes of one chunk are kept apart.
    return _group_twins(nodes, placed, order, least)


def _group_twins(nodes: Sequence[Node], placed: Array, sure: Sequence[int], least: int = 1) -> list[list[int]]:
    return [[sure[k] for k in t] for t in merge_twins([nodes[i] for i in sure], placed[list(sure)], least)]
