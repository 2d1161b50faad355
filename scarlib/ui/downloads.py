"""Files a page offers: as links that hold the file, since a Voilà page may serve none."""

from base64 import b64encode
from html import escape


def download(words: str, name: str, kind: str, content: str | bytes) -> str:
    """An HTML link that saves `content`, of MIME type `kind`, as a file called `name`."""
    raw = content.encode() if isinstance(content, str) else content
    size = f"{max(len(raw) / 1000, 1):,.0f} kB"
    data = b64encode(raw).decode()
    return (
        f'<a class="download" download="{escape(name, quote=True)}" href="data:{kind};base64,{data}">'
        f"{escape(words)} <small>({size})</small></a>"
    )
