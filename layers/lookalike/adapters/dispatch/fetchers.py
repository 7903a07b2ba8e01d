"""Which adapter serves a picture's URL."""

from lookalike import data_urls
from lookalike.adapters.http.fetcher import HttpFetcher
from lookalike.adapters.s3.fetcher import S3Fetcher
from lookalike.domain import PictureFile


class FetcherByScheme:
    """Fetches pictures for indexing, whose URLs come from the shop; a search, whose URL may be anybody's, has `HttpFetcher` alone."""

    def __init__(self, http: HttpFetcher, s3: S3Fetcher) -> None:
        self._http = http
        self._s3 = s3

    def fetch(self, url: str, unless: str | None = None) -> PictureFile:
        """The picture's bytes, unless its etag is still this one. Raises what the adapter for its scheme raises."""
        if data_urls.is_data_url(url):
            return PictureFile(data_urls.content(url, "image_url"))
        return self._s3.fetch(url, unless) if url.startswith("s3://") else self._http.fetch(url, unless)

    def head(self, url: str) -> PictureFile | None:
        """The S3 object that is there now, without its bytes; None if there is none."""
        return self._s3.head(url)
