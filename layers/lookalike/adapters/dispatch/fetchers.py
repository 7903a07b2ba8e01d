"""Chooses the adapter that fetches a picture by the scheme of its URL."""

from lookalike import data_urls
from lookalike.adapters.http.fetcher import HttpFetcher
from lookalike.adapters.s3.fetcher import S3Fetcher
from lookalike.domain import PictureFile


class FetcherByScheme:
    """Fetches pictures for indexing, whose URLs the shop provides; searches, whose URLs are untrusted, use `HttpFetcher` only."""

    def __init__(self, http: HttpFetcher, s3: S3Fetcher) -> None:
        self._http = http
        self._s3 = s3

    def fetch(self, url: str, unless: str | None = None) -> PictureFile:
        """The picture's file, without its bytes if its ETag is still ``unless``. Raises as the adapter for its scheme."""
        url = url.strip()
        if data_urls.is_data_url(url):
            return PictureFile(data_urls.content(url, "image_url"))
        return self._s3.fetch(url, unless) if url.startswith("s3://") else self._http.fetch(url, unless)

    def head(self, url: str) -> PictureFile | None:
        """The S3 object that is there now, without its bytes; None if there is none."""
        return self._s3.head(url)
