"""Putting things that need each other into an order (Tarjan's strongly connected components)."""

from collections.abc import Collection, Iterator, Mapping


def components(needs: Mapping[int, Collection[int]]) -> list[tuple[int, ...]]:
    """The nodes, each after those it needs; nodes that need each other in a circle are together.

    `needs` has every node as a key. Nodes that need nothing unmet keep the order of the keys, and
    those of one circle are sorted. Takes time linear in nodes and needs.
    """
    search = _Search(needs)
    for node in needs:
        search.visit(node)
    return search.found


class _Search:
    """One depth-first search, on a stack of its own: a chain may be longer than Python's."""

    def __init__(self, needs: Mapping[int, Collection[int]]) -> None:
        self.found: list[tuple[int, ...]] = []
        self._needs = needs
        self._number: dict[int, int] = {}  # in the order of discovery
        self._lowest: dict[int, int] = {}  # number of an unfinished node that is reached from here
        self._unfinished: list[int] = []
        self._is_unfinished: set[int] = set()

    def visit(self, root: int) -> None:
        if root in self._number:
            return
        way = [self._enter(root)]
        while way:
            node, rest = way[-1]
            needed = next(rest, None)
            if needed is None:
                way.pop()
                self._leave(node)
                if way:
                    self._reach(way[-1][0], self._lowest[node])
            elif needed not in self._number:
                way.append(self._enter(needed))
            elif needed in self._is_unfinished:
                self._reach(node, self._number[needed])

    def _enter(self, node: int) -> tuple[int, Iterator[int]]:
        self._number[node] = self._lowest[node] = len(self._number)
        self._unfinished.append(node)
        self._is_unfinished.add(node)
        return node, iter(self._needs[node])

    def _reach(self, node: int, number: int) -> None:
        self._lowest[node] = min(self._lowest[node], number)

    def _leave(self, node: int) -> None:
        """Takes the circle off that ends at the node, which may be the node alone."""
        if self._lowest[node] != self._number[node]:
            return
        circle = [self._unfinished.pop()]
        while circle[-1] != node:
            circle.append(self._unfinished.pop())
        self._is_unfinished.difference_update(circle)
        self.found.append(tuple(sorted(circle)))
