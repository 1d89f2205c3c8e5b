"""The style sheet, the script and the icon: read once, named by what is in them, and kept by browsers for ever."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

FOLDER = Path(__file__).parent / "static"
FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class Asset:
    """A file that browsers may keep, because its path changes with what is in it."""

    path: str
    content: bytes
    media_type: str

    @classmethod
    def read(cls, name: str, media_type: str) -> "Asset":
        """Read a file of the folder."""
        content = (FOLDER / name).read_bytes()
        stem, _, ending = name.rpartition(".")
        return cls(f"/static/{stem}.{sha256(content).hexdigest()[:12]}.{ending}", content, media_type)


STYLE = Asset.read("board.css", "text/css; charset=utf-8")
SCRIPT = Asset.read("board.js", "text/javascript; charset=utf-8")
ICON = Asset.read("icon.svg", "image/svg+xml")
ASSETS = {asset.path: asset for asset in (STYLE, SCRIPT, ICON)}


async def serve(request: Request) -> Response:
    """An asset by its path."""
    asset = ASSETS.get(request.url.path)
    if asset is None:
        return PlainTextResponse("There is no such file.\n", status_code=404)
    return Response(asset.content, media_type=asset.media_type, headers={"cache-control": FOR_EVER})
