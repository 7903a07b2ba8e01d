"""The tables of ``infra/costs.md``: ``python -m infra.costs`` computes them from prices and from what one request or picture takes."""

from collections.abc import Iterable, Sequence

HOURS = 730
"""Of a month."""

PRICES_AS_OF = "2026"
PRICES = {
    "Lambda, GB-second": 0.0000166667,
    "Lambda, request": 0.20 / 1e6,
    "Lambda, provisioned GB-second": 0.0000041667,
    "API Gateway, request": 3.50 / 1e6,
    "SQS, request": 0.40 / 1e6,
    "SQS, request with a group": 0.50 / 1e6,
    "S3, PUT": 0.005 / 1e3,
    "S3, GET": 0.0004 / 1e3,
    "ECR, GB-month": 0.10,
    "Secrets Manager, secret": 0.40,
    "CloudWatch, alarm metric": 0.10,
    "CloudWatch, metric": 0.30,
    "CloudWatch, dashboard": 3.00,
    "CloudWatch, GB of logs": 0.50,
    "NAT gateway, hour": 0.045,
    "VPC endpoint, hour and zone": 0.01,
    "WAF, web ACL": 5.00,
    "WAF, rule": 1.00,
}
"""US dollars in us-east-1, without free tiers; other regions are up to a quarter dearer."""

GB = 3008 / 1024
"""Memory of the functions that embed."""

SEARCH_S = 0.5
"""Billed for a search: a picture is downloaded, embedded and searched for."""

PICTURE_S = {"inception_resnet_v2": 0.20, "efficientnet_lite2": 0.05}
"""For a picture to be downloaded, decoded and embedded by one function of 1.7 vCPUs with AVX2; downloads overlap with the network."""

IMAGE_GB = 0.6
"""The image with its base, compressed."""

SQS_REQUESTS = 3
"""For a message: sent, received, deleted."""

ITEMS = 50
"""Products of a message."""

Row = tuple[str, str, str]


def _row(what: str, dollars: float, why: str) -> Row:
    return what, f"{dollars:,.2f}", why


def idle() -> Iterable[Row]:
    """What a month costs in which nothing happens."""
    yield _row("alarms", 21 * PRICES["CloudWatch, alarm metric"], "12 alarms on 21 metrics; ten are free in an account")
    yield _row("dashboard", PRICES["CloudWatch, dashboard"], "three are free in an account")
    yield _row("secret", PRICES["Secrets Manager, secret"], "each; a key for each function is three")
    yield _row("image", IMAGE_GB * PRICES["ECR, GB-month"], "each version, in one repository; four times that in SAM's four")
    polls = 3 * 5 * 3 * HOURS * 60  # Lambda keeps at least five long polls of 20 s open for each event source
    recordings = 6 * HOURS * (PRICES["Lambda, request"] + 1.0 * PRICES["Lambda, GB-second"])
    yield _row("recording of dead letters", recordings, "every ten minutes, 1 GB for a second")
    yield _row("polling of three queues", polls * PRICES["SQS, request"], "one million requests are free in an account")


def extra() -> Iterable[Row]:
    """What a month costs more if it is chosen."""
    provisioned = GB * 3600 * HOURS * PRICES["Lambda, provisioned GB-second"]
    yield _row("SearchProvisionedConcurrency, each", provisioned, "against cold starts")
    endpoints = 2 * 2 * HOURS * PRICES["VPC endpoint, hour and zone"]
    yield _row("VPC: endpoints of SQS and Secrets Manager in two zones", endpoints, "that of S3 is free")
    yield _row("VPC: a NAT gateway", HOURS * PRICES["NAT gateway, hour"], "and 0.045 a GB: for pictures elsewhere, and Elastic Cloud")
    yield _row("WAF: a web ACL with two rules", PRICES["WAF, web ACL"] + 2 * PRICES["WAF, rule"], "and 0.60 a million requests")
    why = "15 metrics, and one for each status of errors, in months with searches, indexing and backfills; ten are free in an account"
    yield _row("metrics of the functions", 15 * PRICES["CloudWatch, metric"], why)


def busy() -> Iterable[Row]:
    """What searches, indexing and uploads cost."""
    search = PRICES["API Gateway, request"] + PRICES["Lambda, request"] + SEARCH_S * GB * PRICES["Lambda, GB-second"]
    yield _row("100,000 searches", 1e5 * (search + 1e-6 * PRICES["CloudWatch, GB of logs"]), f"{SEARCH_S} s each")
    for network, seconds in PICTURE_S.items():
        messages = 1e6 / ITEMS * (SQS_REQUESTS * PRICES["SQS, request with a group"] + PRICES["Lambda, request"])
        yield _row(f"a million pictures, {network}", 1e6 * seconds * GB * PRICES["Lambda, GB-second"] + messages, f"{seconds} s each")
    uploads = 1e6 * (PRICES["S3, PUT"] + 2 * PRICES["S3, GET"] + SQS_REQUESTS * PRICES["SQS, request"])
    yield _row("a million uploads, besides", uploads, "S3 and SQS; 100 kB each are 2.30 a month to keep")


def walks() -> Iterable[Row]:
    """How long ten million pictures take, by `MaximumConcurrency` and network."""
    for network, seconds in PICTURE_S.items():
        for functions in (3, 10, 50):
            rate = functions / seconds
            yield f"{network}, {functions} functions", f"{rate:,.0f} a second", f"{1e7 / rate / 86400:.1f} days"


def table(head: Sequence[str], rows: Iterable[Row]) -> str:
    """A table in Markdown, its numbers to the right."""
    lines = [head, ["---", "---:", "---"], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def page() -> str:
    """All tables of the page, one below the other."""
    dollars = (f"US$ (us-east-1, {PRICES_AS_OF})", "")
    tables = [(("idle, a month", *dollars), idle()), (("chosen, a month", *dollars), extra()), (("work", *dollars), busy())]
    tables.append((("a walk of ten million pictures", "pictures", "takes"), walks()))
    return "\n\n".join(table(head, rows) for head, rows in tables)


if __name__ == "__main__":
    print(page())
