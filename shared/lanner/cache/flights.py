"""Who in this process is on the way for a key, so that the others in it wait on a lock and not by looking again.

    departs    the first one for a key; it then takes the key's lease like anybody (`collapse`) and lands in the end
    waits      the others of this process, until the first has landed or their patience is over; they are woken at
               once, and what they find is judged like after any other wait

This is in front of the leases of the store and takes nothing from them: who waits in vain goes on as if it had not
waited. A thread never waits for itself: what an origin asks of its own cache, for the same key, goes on too.
Patience here is the machine's time, because it is threads of this machine that are waited for.
"""

from __future__ import annotations

import threading


class Flight:
    """One trip that others of this process may wait for."""

    __slots__ = ("landed", "thread")

    def __init__(self) -> None:
        self.thread = threading.get_ident()
        self.landed = threading.Event()


class Flights:
    """The trips of this process that are under way, by key."""

    __slots__ = ("_under_way",)

    def __init__(self) -> None:
        self._under_way: dict[str, Flight] = {}

    def depart(self, key: str) -> Flight | None:
        """The flight of the first one for the key, who has to `land` it; None for the others."""
        mine = Flight()
        return mine if self._under_way.setdefault(key, mine) is mine else None  # one step, also among threads

    def land(self, key: str, flight: Flight) -> None:
        """The trip is over: wake whoever waits for it."""
        self._strike(key, flight)
        flight.landed.set()

    def wait(self, key: str, seconds: float) -> bool:
        """Whether somebody else's trip for the key has been waited for and has landed. At most `seconds`.

        One that takes longer is waited for by nobody any more: its thread may be gone with a fork.
        """
        flight = self._under_way.get(key)
        if flight is None or flight.thread == threading.get_ident():
            return False
        landed = flight.landed.wait(seconds)
        if not landed:
            self._strike(key, flight)
        return landed

    def _strike(self, key: str, flight: Flight) -> None:
        if self._under_way.get(key) is flight:
            self._under_way.pop(key, None)
