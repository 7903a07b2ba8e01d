"""Sources whose documents, addresses or settings are odd, and those that are refused."""

from lookalike.backfill.model import FieldNames

from tests.integration.adapters.elasticsearch.source.source_index import KEYWORD
from tests.integration.odd_sources.odd import BOTH, Document, Index, Odd, both, plain, url


def _deep(levels: int) -> Document:
    made: Document = {}
    for _ in range(levels):
        made = {"a": made}
    return made


DOCUMENTS: dict[str, Odd] = {
    "names with dots": Odd(
        (Index(lambda n: {"shop.item": {"sku": f"p-{n}"}, "product.image": {"url": url(n)}}, mappings={"dynamic": False}),),
        FieldNames("shop.item.sku", "product.image.url"),
    ),
    "objects in lists": Odd(
        (Index(lambda n: {"info": [{"sku": f"p-{n}"}], "images": [{"u": [url(n, "a")]}, {"u": url(n, "b")}, None, {}]}),),
        FieldNames("info.sku", "images.u"),
        both,
    ),
    "relative addresses": Odd(
        (Index(lambda n: {"sku": f"p-{n}", "image": ["/a.jpg", "//cdn.example/b.jpg", "c d.jpg", "", None][n % 5]}, {"sku": KEYWORD}),),
        FieldNames("sku", "image", base_url="https://shop.example/media/"),
        lambda n: (
            f"p-{n}",
            [{"https://shop.example/a.jpg"}, {"https://cdn.example/b.jpg"}, {"https://shop.example/media/c d.jpg"}, set(), set()][n % 5],
        ),
    ),
    "several in one text": Odd(
        (Index(lambda n: {"sku": f"p-{n}", "image": f" {url(n, 'a')}|{url(n, 'b')} |"}, {"sku": KEYWORD}),),
        FieldNames("sku", "image", separator="|"),
        both,
    ),
    "a template": Odd(
        (Index(lambda n: {"sku": f"p-{n}", "view": ["a", "b"]}, {"sku": KEYWORD}),),
        FieldNames("sku", "http://a/{sku}/{view}.jpg"),
        lambda n: (f"p-{n}", {f"http://a/p-{n}/a.jpg", f"http://a/p-{n}/b.jpg"}),
    ),
    "a template of more addresses than a product may have": Odd(
        (Index(lambda n: {"sku": f"p-{n}", "view": (views := list(range(1 if n % 100 else 300))), "size": views}, {"sku": KEYWORD}),),
        FieldNames("sku", "http://a/{sku}/{view}/{size}.jpg"),
        lambda n: (f"p-{n}", {f"http://a/p-{n}/0/0.jpg"}) if n % 100 else None,
    ),
    "a template of the document's own id": Odd(
        (Index(lambda n: {"_id": f"p-{n}", "name": "Hat"}),),
        FieldNames(None, "http://a/{_id}.jpg"),
        lambda n: (f"p-{n}", {f"http://a/p-{n}.jpg"}),
    ),
    "multi-fields": Odd((Index(plain, {"sku": BOTH, "image_url": BOTH}),), FieldNames("sku.keyword", "image_url.keyword", ("name",))),
    "nested ids": Odd(
        (
            Index(
                lambda n: {"v": [{"sku": f"p-{n}"}, {"x": 1}], "image_url": url(n)},
                {"v": {"type": "nested", "properties": {"sku": KEYWORD}}},
            ),
        ),
        FieldNames("v.sku"),
    ),
    "data: URLs": Odd(
        (
            Index(
                lambda n: {"sku": f"p-{n}", "image": f"data:image/png;base64,AA{n},"},
                {"sku": KEYWORD, "image": {"type": "keyword", "index": False}},
            ),
        ),
        FieldNames("sku", "image", separator=","),
        lambda n: (f"p-{n}", {f"data:image/png;base64,AA{n}"}),
    ),
    "attributes of every type": Odd(
        (Index(lambda n: plain(n) | {"x": [n, "a", {"b": n}, [n], None, True][n % 6]}, {"sku": KEYWORD}, mappings={"dynamic": False}),)
    ),
    "attributes nested deeply": Odd((Index(lambda n: plain(n) | {"x": _deep(300)}, {"sku": KEYWORD}, mappings={"dynamic": False}),)),
    "a query": Odd(
        (Index(lambda n: plain(n) | {"on": n % 2}, {"sku": KEYWORD, "on": {"type": "long"}}),),
        query={"term": {"on": 1}},
        expected=lambda n: (f"p-{n}", {url(n)}) if n % 2 else ("", set()),
    ),
    "many shards": Odd((Index(plain, {"sku": KEYWORD}, settings={"number_of_shards": 5}),)),
    "sorted the other way": Odd((Index(plain, {"sku": KEYWORD}, settings={"sort.field": "sku", "sort.order": "desc"}),)),
    "no _source": Odd((Index(plain, {"sku": KEYWORD}, mappings={"_source": {"enabled": False}}),), refused="no _source"),
    "images left out of _source": Odd(
        (Index(plain, {"sku": KEYWORD}, mappings={"_source": {"excludes": ["image_url"]}}),), refused="_source"
    ),
    "relative addresses without a base": Odd(
        (Index(lambda n: {"sku": str(n), "image_url": "/a.jpg"}, {"sku": KEYWORD}),), refused="base_url"
    ),
    "a misspelt field": Odd((Index(plain, {"sku": KEYWORD}),), FieldNames("sku", "picture"), refused="none of 100 products"),
}
