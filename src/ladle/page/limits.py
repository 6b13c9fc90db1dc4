"""How much one client may ask of the page, and for how long."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Far above what people need, far below what stops the page for others.

    Somebody who answers four images a second, each with its receipt, makes two dozen requests a second.

    Attributes:
        body_bytes: what a request may carry; an answer needs a hundred.
        person_rate: requests a second of one browser that has been here.
        person_burst: how many of them may come at once, as a page that is opened makes.
        stranger_rate: requests a second from one address, of all who have not been here: those who open the page for
            the first time, and those who don't get in.
        stranger_burst: how many of them may come at once, as a class behind one address makes.
        address_rate: requests a second from one address, of all browsers there that have been here: fifty people who
            answer two images a second, each with its receipt.
        address_burst: how many of them may come at once, as fifty people do who open the page.
        request_seconds: for a request to arrive.
        answer_seconds: for the answer to be taken, an image over a slow line.
        idle_seconds: between two requests on one connection.
        connections: open at once.
    """

    body_bytes: int = 1 << 16
    person_rate: float = 30.0
    person_burst: int = 90
    stranger_rate: float = 20.0
    stranger_burst: int = 120
    address_rate: float = 600.0
    address_burst: int = 600
    request_seconds: float = 10.0
    answer_seconds: float = 120.0
    idle_seconds: int = 15
    connections: int = 400
