"""Sources whose ids, or their mappings, are odd."""

from lookalike.backfill.model import FieldNames

from tests.integration.adapters.elasticsearch.source.source_index import KEYWORD
from tests.integration.odd_sources.odd import BOTH, COUNT, HALF, TEXT, Index, Odd, all_but, both, half, one_of_two, plain, url

LOWER = {"type": "keyword", "normalizer": "lowercase"}
SHORT = {"type": "keyword", "ignore_above": 20}
SYNTHETIC = {"mapping.source.mode": "synthetic"}


def _long(number: int) -> str:
    return "x" * 40 + str(number)


def _beyond(number: int) -> str:
    """Ids that UTF-8 and UTF-16 sort differently."""
    return chr((0xFF00 if number % 2 else 0x1F300) + number // 10) + str(number)


IDS: dict[str, Odd] = {
    "keyword": Odd((Index(plain, {"sku": KEYWORD}),)),
    "dynamic": Odd((Index(plain),)),
    "text": Odd((Index(plain, {"sku": TEXT}),)),
    "long": Odd((Index(lambda n: plain(n) | {"sku": n}, {"sku": {"type": "long"}}),), expected=lambda n: (str(n), {url(n)})),
    "double": Odd((Index(lambda n: plain(n) | {"sku": n + 0.5}, {"sku": {"type": "double"}}),), expected=lambda n: (f"{n}.5", {url(n)})),
    "negative": Odd((Index(lambda n: plain(n) | {"sku": -n}, {"sku": {"type": "integer"}}),), expected=lambda n: (str(-n), {url(n)})),
    "dates": Odd(
        (Index(lambda n: plain(n) | {"sku": f"2026-01-{n % 28 + 1:02}"}, {"sku": {"type": "date"}}),),
        expected=lambda n: (f"2026-01-{n % 28 + 1:02}", {url(n)}),
    ),
    "no mapping": Odd((Index(plain, mappings={"dynamic": False}),)),
    "not parsed": Odd((Index(plain, mappings={"enabled": False}),)),
    "keyword and text": Odd(
        (Index(half("a"), {"sku": KEYWORD}, numbers=HALF), Index(half("b"), {"sku": BOTH}, numbers=HALF)), expected=both
    ),
    "keyword, number and nothing": Odd(
        (
            Index(half("a", str), {"sku": KEYWORD}, numbers=range(334)),
            Index(half("b", int), {"sku": {"type": "long"}}, numbers=range(334)),
            Index(half("c", str), mappings={"dynamic": False}, numbers=range(334)),
        ),
        expected=lambda n: (str(n), {url(n, name) for name in "abc"}),
    ),
    "a keyword in small letters and one as written": Odd(
        (
            Index(half("a", lambda n: f"P-{n}"), {"sku": LOWER}, numbers=HALF),
            Index(half("b", lambda n: f"P-{n}"), {"sku": KEYWORD}, numbers=HALF),
        ),
        expected=lambda n: (f"P-{n}", both(n)[1]),
    ),
    "a keyword in small letters and a text": Odd(
        (
            Index(half("a", lambda n: f"P-{n}"), {"sku": LOWER}, numbers=HALF),
            Index(half("b", lambda n: f"P-{n}"), {"sku": TEXT}, numbers=HALF),
        ),
        expected=lambda n: (f"P-{n}", both(n)[1]),
    ),
    "ids that differ in their case alone": Odd(
        (Index(lambda n: plain(n) | {"sku": f"{'pP'[n % 2]}-{n // 2}"}, {"sku": LOWER}),),
        expected=lambda n: (f"{'pP'[n % 2]}-{n // 2}", {url(n)}),
    ),
    "ids that one mapping leaves out": Odd(
        (Index(half("a", _long), {"sku": SHORT}, numbers=HALF), Index(half("b", _long), {"sku": KEYWORD}, numbers=HALF)),
        expected=lambda n: (_long(n), both(n)[1]),
    ),
    "two documents each, with ids that the mapping leaves out": Odd(
        (Index(lambda n: one_of_two(n) | {"sku": _long(n % 500)}, {"sku": SHORT}),),
        expected=lambda n: (_long(n % 500), both(n % 500)[1]),
    ),
    "two documents each, with ids that are no numbers": Odd(
        (Index(one_of_two, {"sku": {"type": "long", "ignore_malformed": True}}),),
        expected=lambda n: both(n % 500),
    ),
    "numbers as texts": Odd(
        (
            Index(half("a", lambda n: f"{n:05}"), {"sku": {"type": "long"}}, numbers=HALF),
            Index(half("b", lambda n: f"{n:05}"), {"sku": KEYWORD}, numbers=HALF),
        ),
        expected=lambda n: (f"{n:05}", both(n)[1]),
    ),
    "letters beyond the basic plane, sorted by a script": Odd(
        (Index(lambda n: plain(n) | {"sku": _beyond(n)}, {"sku": TEXT}),), expected=lambda n: (_beyond(n), {url(n)})
    ),
    "large fractions": Odd(
        (Index(lambda n: plain(n) | {"sku": 1e7 + n % 500 / 4}, mappings={"dynamic": False}),),
        expected=lambda n: (str(1e7 + n % 500 / 4), {url(n), url((n + 500) % COUNT)}),
    ),
    "flattened and an object": Odd(
        (
            Index(lambda n: {"info": {"sku": n}, "image_url": url(n, "a")}, {"info": {"type": "flattened"}}, numbers=HALF),
            Index(
                lambda n: {"info": {"sku": n}, "image_url": url(n, "b")}, {"info": {"properties": {"sku": {"type": "long"}}}}, numbers=HALF
            ),
        ),
        FieldNames("info.sku"),
        lambda n: (str(n), both(n)[1]),
    ),
    "runtime fields and a text": Odd(
        (Index(half("a"), mappings={"dynamic": "runtime"}, numbers=HALF), Index(half("b"), {"sku": BOTH}, numbers=HALF)), expected=both
    ),
    "names with dots and objects": Odd(
        (
            Index(lambda n: {"shop.sku": f"p-{n}", "shop.url": url(n, "a")}, {"shop.sku": KEYWORD}, {"subobjects": False}, numbers=HALF),
            Index(lambda n: {"shop": {"sku": f"p-{n}", "url": url(n, "b")}}, numbers=HALF),
        ),
        FieldNames("shop.sku", "shop.url"),
        both,
    ),
    "a synthetic _source and a stored one": Odd(
        (
            Index(half("a"), {"sku": KEYWORD, "image_url": KEYWORD}, settings=SYNTHETIC, numbers=HALF),
            Index(half("b"), {"sku": BOTH}, numbers=HALF),
        ),
        expected=both,
    ),
    "an alias with a filter and a routing": Odd(
        (
            Index(
                lambda n: plain(n) | {"_routing": "ab"[n % 2], "on": n % 4},
                {"sku": KEYWORD},
                settings={"number_of_shards": 3},
                alias={"routing": "b", "filter": {"term": {"on": 1}}},
            ),
        ),
        expected=lambda n: (f"p-{n}", {url(n)}) if n % 4 == 1 else ("", set()),
    ),
    "two documents each": Odd(
        (Index(one_of_two, {"sku": KEYWORD}),),
        expected=lambda n: both(n % 500),
    ),
    "two documents each, text": Odd(
        (Index(one_of_two, {"sku": TEXT}),),
        expected=lambda n: both(n % 500),
    ),
    "own ids": Odd((Index(lambda n: {"_id": f"p-{n}", "image_url": url(n)}),), FieldNames()),
    "own ids of odd letters": Odd(
        (Index(lambda n: {"_id": f"p/{n} \u00fc?#%", "image_url": url(n)}),), FieldNames(), lambda n: (f"p/{n} \u00fc?#%", {url(n)})
    ),
    "some without an id": Odd(
        (Index(lambda n: plain(n) if n % 3 else {"image_url": url(n)}, {"sku": KEYWORD}),),
        expected=all_but(3),
    ),
    "some with empty ids": Odd(
        (Index(lambda n: plain(n) | ({} if n % 10 else {"sku": ""}), {"sku": KEYWORD}),),
        expected=all_but(10),
    ),
    "more with empty ids than fit into a page": Odd(
        (Index(lambda n: plain(n) if n % 3 == 0 else {"sku": "", "image_url": url(n)}, {"sku": KEYWORD}),),
        expected=lambda n: None if n % 3 else (f"p-{n}", {url(n)}),
    ),
    "some with several ids": Odd(
        (Index(lambda n: plain(n) | ({} if n % 10 else {"sku": ["x", f"y-{n}"]}), {"sku": KEYWORD}),),
        expected=all_but(10),
    ),
    "some with objects as ids": Odd(
        (Index(lambda n: plain(n) | ({} if n % 10 else {"sku": {"is": n}}), mappings={"dynamic": False}),),
        expected=all_but(10),
    ),
    "some ids too long": Odd(
        (Index(lambda n: plain(n) | ({} if n % 50 else {"sku": "x" * 600 + str(n)}), {"sku": KEYWORD}),),
        expected=all_but(50),
    ),
    "ids longer than the mapping stores": Odd(
        (Index(lambda n: plain(n) | {"sku": "x" * 300 + str(n)}, {"sku": BOTH}),), expected=lambda n: ("x" * 300 + str(n), {url(n)})
    ),
    "some half surrogates": Odd(
        (Index(lambda n: plain(n) | ({} if n % 100 else {"name": "\ud83d"}), {"sku": KEYWORD}, mappings={"dynamic": False}),),
        expected=all_but(100),
    ),
}
