"""Which entry of the memory tier goes: S3-FIFO with queues that adapt, and the ones that ended before all others.

S3-FIFO (Yang, Zhang, Qiu, Yue, Rashmi: "FIFO queues are all you need for cache eviction", SOSP 2023): new keys enter a
small queue; what leaves it unread is only remembered by name (a ghost), what was read moves on to the main queue, and
so does a key that comes back while its ghost is there. The main queue gives entries that were read another round, at
most three in a row. So a scan passes through the small queue and leaves what is read often alone, and a hit changes one
small number and no order.

How much room the small queue has adapts as in ARC (Megiddo, Modha, FAST 2003): a key that comes back after it left the
small queue asks for more, one that left the main queue for less. With a fixed tenth, work that reads things a few times
soon after they came does worse than LRU (bench/cache_memory.py: 0.70 to 0.75); adapting does not.

States of a key: small -> main, or small -> ghost -> main -> ghost. Choosing costs `MOST_SPARED` steps at most, however
many entries there are and however often they were read: a plain clock may go round all of them for one write.
Not safe under threads: its owner has a lock.
"""

from __future__ import annotations

from collections import OrderedDict
from heapq import heapify, heappop, heappush
from math import inf

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lanner.cache.backend import CacheEntry

SMALL_SHARE = 0.5
"""Of the room, to begin with. The paper's tenth (section 4.1) is where it goes when frequency matters; from the middle
it is there as soon, and work that LRU is best for loses less on the way (bench/cache_memory.py's traces)."""
LEAST_SHARE, MOST_SHARE = 0.05, 0.9
STEP = 0.01
GHOSTS = 0.4
"""Names remembered per entry; half as many of those that left the main queue. More of them make a loop over a little
more than the room look like fresh things worth keeping (hit ratio 0.3 with 0.4, 0.0 from 0.65)."""
MOST_READS = 3
"""Reads are counted up to here: two bits in the paper."""
MOST_SPARED = 64
ENDS_KEPT = 8192


class Node:
    """One entry in its queue."""

    __slots__ = ("entry", "in_main", "reads", "size")

    def __init__(self, entry: CacheEntry, size: int) -> None:
        self.entry = entry
        self.size = size
        self.reads = 0
        self.in_main = False


class Queues:
    """The two queues and their ghosts. A name's hash stands for it among ghosts: a collision costs a place in main."""

    __slots__ = ("_left_main", "_left_small", "_main", "_share", "_small", "_small_bytes", "bytes")

    def __init__(self) -> None:
        self._small: OrderedDict[str, Node] = OrderedDict()
        self._main: OrderedDict[str, Node] = OrderedDict()
        self._left_small: OrderedDict[int, None] = OrderedDict()
        self._left_main: OrderedDict[int, None] = OrderedDict()
        self._share = SMALL_SHARE
        self._small_bytes = 0
        self.bytes = 0

    def enter(self, key: str, node: Node) -> None:
        """Take a new key in."""
        ghost = hash(key)
        small, main = self._left_small, self._left_main
        self.bytes += node.size
        if ghost in small:
            self._share = min(MOST_SHARE, self._share + STEP * max(1.0, len(main) / len(small)))
            del small[ghost]
        elif ghost in main:
            self._share = max(LEAST_SHARE, self._share - STEP * max(1.0, len(small) / len(main)))
            del main[ghost]
        else:
            self._small[key] = node
            self._small_bytes += node.size
            return
        node.in_main = True
        self._main[key] = node

    def leave(self, key: str, node: Node) -> None:
        """Forget a key that is gone: deleted or over."""
        self.bytes -= node.size
        if node.in_main:
            del self._main[key]
        else:
            del self._small[key]
            self._small_bytes -= node.size

    def resize(self, node: Node, size: int) -> None:
        """The entry of a key has another size now."""
        self.bytes += size - node.size
        if not node.in_main:
            self._small_bytes += size - node.size
        node.size = size

    def evict(self, keep: str) -> str:
        """Choose a key and forget it; never `keep`, which is being stored. There are two keys at least."""
        spared = 0
        while True:
            from_small = self._from_small(keep)
            queue = self._small if from_small else self._main
            key, node = queue.popitem(last=False)
            if key == keep:
                queue[key] = node
                continue
            if node.reads and spared < MOST_SPARED:
                spared += 1
                if from_small:
                    node.reads = 0
                    node.in_main = True
                    self._small_bytes -= node.size
                else:
                    node.reads -= 1
                self._main[key] = node
                continue
            self.bytes -= node.size
            if from_small:
                self._small_bytes -= node.size
            self._remember(key, from_small)
            return key

    def _from_small(self, keep: str) -> bool:
        small, main = self._small, self._main
        if len(main) <= 1 and (not main or keep in main):
            return True
        if len(small) <= 1 and (not small or keep in small):
            return False
        return self._small_bytes > self._share * self.bytes

    def _remember(self, key: str, from_small: bool) -> None:
        ghosts = self._left_small if from_small else self._left_main
        ghosts[hash(key)] = None
        most = (len(self._small) + len(self._main)) * (GHOSTS if from_small else GHOSTS / 2)
        while len(ghosts) > max(most, 4):
            ghosts.popitem(last=False)


class Ends:
    """The entries that end soonest, so that those that are over make room before one that is not is put out.

    A heap of at most `ENDS_KEPT`; when it is full the later half is dropped and nothing later is taken in until it is
    empty. What is not in it is met by a read, a write, or at the end of its queue. So it costs little at any size.
    """

    __slots__ = ("_heap", "_horizon")

    def __init__(self) -> None:
        self._heap: list[tuple[float, str]] = []
        self._horizon = inf

    def add(self, end: float, key: str) -> None:
        """An entry ends then. One record of a key does not replace another: who pops checks."""
        if end >= self._horizon:
            return
        heap = self._heap
        heappush(heap, (end, key))
        if len(heap) >= ENDS_KEPT:
            heap.sort()
            del heap[ENDS_KEPT // 2 :]
            self._horizon = heap[-1][0]
            heapify(heap)

    def over(self, now: float) -> str | None:
        """A key of which an entry has ended, forgotten here; None where none is known."""
        heap = self._heap
        if heap and heap[0][0] <= now:
            return heappop(heap)[1]
        if not heap:
            self._horizon = inf
        return None
