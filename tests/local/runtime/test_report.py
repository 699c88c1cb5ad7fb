"""The platform's own lines, as Lambda writes them."""

from __future__ import annotations

from lanner.local.runtime import report


def test_report_line_of_a_cold_invocation():
    """Tabs between the fields, durations with two decimals, the bill rounded up."""
    line = report.report("r-1", duration_ms=1.2345, memory_mb=128, max_memory_mb=40, init_ms=99.999)
    assert line == (
        "REPORT RequestId: r-1\tDuration: 1.23 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB"
        "\tMax Memory Used: 40 MB\tInit Duration: 100.00 ms\t\n"
    )


def test_report_line_of_a_timeout():
    """Status appears only when something went wrong."""
    line = report.report("r", duration_ms=3000, memory_mb=1, max_memory_mb=1, status="timeout", error_type="X")
    assert line.endswith("Max Memory Used: 1 MB\tStatus: timeout\tError Type: X\t\n")


def test_billing_is_at_least_one_millisecond():
    """Nothing is free."""
    assert [report.billed(ms) for ms in (0.0, 0.2, 1.0, 1.01)] == [1, 1, 1, 2]


def test_exit_words():
    """Status, signal by name, signal by number, nothing known."""
    words = [report.exited("r", code).partition("Error: ")[2] for code in (3, -9, -35, 0, None)]
    assert words == [
        "Runtime exited with error: exit status 3",
        "Runtime exited with error: signal: killed",
        "Runtime exited with error: signal: 35",
        "Runtime exited without providing a reason",
        "Runtime exited with error: unknown reason",
    ]


def test_timeout_words():
    """Time in UTC with milliseconds, the request id, the timeout with two decimals."""
    assert report.timed_out(1_700_000_000.5, "r", 3) == "2023-11-14T22:13:20.500Z r Task timed out after 3.00 seconds"
