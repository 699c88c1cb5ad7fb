"""Which entry of the memory tier goes: W-TinyLFU with a window that adapts, and the ones that ended before all others.

W-TinyLFU (Einziger, Friedman, Manes, ACM Transactions on Storage 2017): new keys enter a window; what the window has no
room for must be asked for more often than the entry that main would put out for it (`frequency`), and goes itself
otherwise. So a scan passes through the window, a loop over more than the room does not wash main out, and what was read
often stays. In entries of different sizes it is the frequency per byte that counts, which is what "Lightweight robust
size aware cache management" (Einziger, Eytan, Friedman, Manes, 2021) weighs too: one large entry against the many that
would have to go for it.

Both queues are clocks: an entry that was read since the hand came by goes round again, its reads go into the sketch.
That stands in for the paper's LRU order, so that a hit changes one small number and no order.

How much room the window has adapts ("Adaptive software cache management", Einziger, Eytan, Friedman, Manes, 2018), here
by what was put out too early, as in ARC (Megiddo, Modha, FAST 2003): a key that comes back soon after it left the
window asks for a larger one, one that left main for a smaller one. With a fixed hundredth, things that are read a few
times soon after they came do far worse than under LRU (bench/cache_memory.py).

States of a key: window -> main or gone, main -> gone; a key that is gone is known by its hash for a while. Choosing
costs `MOST_SPARED` steps at most, however many entries there are and however often they were read: a plain clock may go
round all of them for one write. Not safe under threads: its owner has a lock.
"""

from __future__ import annotations

from collections import OrderedDict
from heapq import heapify, heappop, heappush
from math import inf

from lanner.cache.frequency import MOST, Frequencies

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lanner.cache.backend import CacheEntry

FIRST_SHARE, LEAST_SHARE, MOST_SHARE = 0.2, 0.01, 0.99
"""Of the bytes, for the window. The least is the paper's (section 4.2); a beginning above it costs work where frequency
matters less than learning it from there costs work where it does not."""
STEP, GROWTH, LONGEST_STEP = 0.005, 1.5, 0.1
LEFT_WINDOW, LEFT_MAIN = 0.05, 0.2
"""Names remembered per entry. Few of the window: in a loop everything comes back, but not soon."""
MOST_READS = MOST
"""Reads are counted up to here between two visits of the hand."""
MOST_SPARED = 64
MOST_MOVED = 8
"""Entries that one write moves from the window to main while there is room."""
ENDS_KEPT = 8192


class Node:
    """One entry in its queue."""

    __slots__ = ("entry", "in_main", "reads", "size")

    def __init__(self, entry: CacheEntry, size: int) -> None:
        self.entry = entry
        self.size = size
        self.reads = 0
        self.in_main = False


Queue = OrderedDict[str, Node]


class Queues:
    """Window and main, and the names that left them. A collision of names costs a little of the window's share."""

    __slots__ = (
        *("_frequencies", "_left_main", "_left_window", "_main", "_share", "_step", "_window", "_window_bytes"),
        "bytes",
    )

    def __init__(self) -> None:
        self._window: Queue = OrderedDict()
        self._main: Queue = OrderedDict()
        self._left_window: OrderedDict[int, None] = OrderedDict()
        self._left_main: OrderedDict[int, None] = OrderedDict()
        self._frequencies = Frequencies()
        self._share = FIRST_SHARE
        self._step = STEP
        self._window_bytes = 0
        self.bytes = 0

    def enter(self, key: str, node: Node, *, full: bool) -> None:
        """Take a new key in; `full` where something has to be put out for it, by `evict`."""
        name = hash(key)
        if name in self._left_window:
            self._steer(1)
            del self._left_window[name]
        elif name in self._left_main:
            self._steer(-1)
            del self._left_main[name]
        self._frequencies.fit(len(self._window) + len(self._main) + 1)
        self._frequencies.add(name)
        self._window[key] = node
        self._window_bytes += node.size
        self.bytes += node.size
        if not full:
            for _ in range(MOST_MOVED):
                if len(self._window) == 1 or self._window_bytes <= self._share * self.bytes:
                    return
                self._admit(*self._window.popitem(last=False))

    def _steer(self, direction: int) -> None:
        """Give the window more (1) or less (-1), in longer steps for as long as all ask for the same."""
        same = direction * self._step > 0
        self._step = direction * (min(abs(self._step) * GROWTH, LONGEST_STEP) if same else STEP)
        self._share = min(MOST_SHARE, max(LEAST_SHARE, self._share + self._step))

    def leave(self, key: str, node: Node) -> None:
        """Forget a key that is gone: deleted or over."""
        self._count(key, node)
        self.bytes -= node.size
        if node.in_main:
            del self._main[key]
        else:
            del self._window[key]
            self._window_bytes -= node.size

    def resize(self, node: Node, size: int) -> None:
        """The entry of a key has another size now."""
        self.bytes += size - node.size
        if not node.in_main:
            self._window_bytes += size - node.size
        node.size = size

    def evict(self, keep: str) -> str:
        """Choose a key and forget it; never `keep`, which is being stored. There are two keys at least."""
        spares = MOST_SPARED // 2  # for each of the two queues
        from_window = not _has_other(self._main, keep) or (
            self._window_bytes > self._share * self.bytes and _has_other(self._window, keep)
        )
        if not from_window:
            return self._put_out(*self._next(self._main, keep, spares))
        candidate, node = self._next(self._window, keep, spares)
        if not _has_other(self._main, keep):
            return self._put_out(candidate, node)
        victim, resident = self._next(self._main, keep, spares)
        if self._frequency(candidate, node) * resident.size > self._frequency(victim, resident) * node.size:
            self._admit(candidate, node)
            return self._put_out(victim, resident)
        self._main[victim] = resident
        self._main.move_to_end(victim, last=False)
        return self._put_out(candidate, node)

    def _next(self, queue: Queue, keep: str, spares: int) -> tuple[str, Node]:
        """Take out of a queue who has to go or to prove itself: the first that was not read since it was looked at."""
        while True:
            key, node = queue.popitem(last=False)
            if key != keep and (not node.reads or not spares):
                return key, node
            if key != keep:
                spares -= 1
                self._count(key, node)
            queue[key] = node

    def _count(self, key: str, node: Node) -> None:
        """Reads of an entry go where they outlive it."""
        if node.reads:
            self._frequencies.add(hash(key), node.reads)
            node.reads = 0

    def _frequency(self, key: str, node: Node) -> int:
        return self._frequencies.of(hash(key)) + node.reads

    def _admit(self, key: str, node: Node) -> None:
        """From the window, which it is out of already, to main."""
        self._count(key, node)
        self._window_bytes -= node.size
        node.in_main = True
        self._main[key] = node

    def _put_out(self, key: str, node: Node) -> str:
        """Forget a key that is in no queue any more, but for its name."""
        self._count(key, node)
        self.bytes -= node.size
        if node.in_main:
            names, share = self._left_main, LEFT_MAIN
        else:
            names, share = self._left_window, LEFT_WINDOW
            self._window_bytes -= node.size
        name = hash(key)
        names[name] = None
        names.move_to_end(name)
        most = max(4, (len(self._window) + len(self._main)) * share)
        while len(names) > most:
            names.popitem(last=False)
        return key


def _has_other(queue: Queue, keep: str) -> bool:
    return len(queue) > (keep in queue)


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
