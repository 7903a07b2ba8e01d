"""Pictures wherever their address says they are: in S3, or behind HTTP."""

from lookalike.adapters.http_pictures import HttpPictures
from lookalike.adapters.s3_pictures import S3Pictures
from lookalike.domain import PictureFile


class PicturesByScheme:
    """For indexing, whose addresses come from the shop; a search by anybody's URL gets `HttpPictures` alone."""

    def __init__(self, http: HttpPictures, s3: S3Pictures) -> None:
        self._http = http
        self._s3 = s3

    def fetch(self, url: str, unless: str | None = None) -> PictureFile:
        """The picture's bytes, unless its etag is still this one. Raises what the adapter for its scheme raises."""
        return self._s3.fetch(url, unless) if url.startswith("s3://") else self._http.fetch(url, unless)

    def etag(self, url: str) -> str | None:
        """The ETag of the object that is there now; only S3 addresses have one that can be relied on."""
        return self._s3.etag(url)
