"""The scripts, styles and fonts of the page: listed once, compressed once, kept in memory.

An address is looked up in the list and never becomes a path, so that nothing else on the disk can be asked for. The
addresses the page uses hold a hash of what is behind them, so that browsers may keep the answer for good.
"""

import gzip
import hashlib
import mimetypes
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property, partial
from pathlib import Path

import brotli

_SERVED = {".css", ".gif", ".js", ".png", ".svg", ".ttf", ".woff", ".woff2"}
# Pictures and web fonts are packed already.
_PACKABLE = {".css", ".js", ".svg", ".ttf"}
# The better first: brotli takes a sixth less than gzip. Quality 10 would take a tenth off that, in ten times the time.
CODINGS: Mapping[str, Callable[[bytes], bytes]] = {
    "br": partial(brotli.compress, quality=9),
    "gzip": partial(gzip.compress, mtime=0),
}
_HASHED = re.compile(r"(?:^|\.)[0-9a-f]{16,}\.\w+$")
_MAIN = "voila.js"
_ENOUGH = 32  # letters of a hash
# Nothing on the page is mathematics. Voilà has no setting for it, so its script finds that MathJax's plugin is empty.
_MATHS = re.compile(
    rb'\(\)=>\w\("default","@jupyterlab/mathjax-extension",[^()]*,\(\(\)=>\w\.e\(\d+\)\.then\(\(\(\)=>\(\)=>\w\(\d+\)\)\)\)\)'
)


class Asset:
    """What one address answers with: a file, after the chunks of scripts that go out with it."""

    def __init__(self, file: Path, chunks: Iterable[Path] = (), hashed: bool = False) -> None:
        self._files = [*chunks, file]
        self._hashed = hashed or bool(_HASHED.search(file.name))
        self._main = file.name == _MAIN
        self._bodies: dict[str, bytes] = {}
        self.kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        self.packed = file.suffix in _PACKABLE

    @cached_property
    def content(self) -> bytes:
        """The content as it is."""
        *chunks, file = (path.read_bytes() for path in self._files)
        if self._main:
            file = _MATHS.sub(b"()=>()=>({default:[]})", file)
        # A chunk only registers its modules, so it may come before the script that asks for it. A function of its own
        # keeps its "use strict" to itself.
        return b"".join(b"(()=>{" + chunk + b"\n})();\n" for chunk in chunks) + file

    def body(self, coding: str) -> bytes:
        """The content, packed as a name in CODINGS says; "" = as it is."""
        if coding not in self._bodies:
            self._bodies[coding] = CODINGS[coding](self.content) if coding else self.content
        return self._bodies[coding]

    @cached_property
    def _digest(self) -> str:
        return hashlib.sha512(self.content).hexdigest()

    @property
    def etag(self) -> str:
        """The entity tag, quotes included."""
        return f'"{self._digest[:_ENOUGH]}"'

    def lasts(self, version: str) -> bool:
        """Whether its address, with ?v=`version`, can never mean another content."""
        return self._hashed or (len(version) >= _ENOUGH and self._digest.startswith(version))


class Assets:
    """All that a page of one template may ask for.

    `static` are the folders of the template's own files and Voilà's, the first that has a name decides; `extensions`
    maps the names of the lab extensions in use to their folders; `chunks` are the chunks of scripts that every visit
    needs, as pairs of an extension's name ("voila" for Voilà's own) and the chunk's number. They go out in one piece
    with the script that starts the page. What is not there is left out: the page then asks for what it has instead.
    """

    def __init__(
        self, template: str, static: Iterable[Path], extensions: Mapping[str, Path], chunks: Iterable[tuple[str, str]]
    ) -> None:
        own = _files(static)
        theirs = {
            f"{name}/{path}": file for name, folder in extensions.items() for path, file in _files([folder]).items()
        }
        together = list(_chunks(own, theirs, chunks))
        version = hashlib.sha256(" ".join(file.name for file in together).encode())
        for path in (*own.values(), *theirs.values()):
            version.update(path.read_bytes())
        # The address of Voilà's own scripts, whose names alone do not change with their content.
        self.scripts = f"/voila/static/{version.hexdigest()[:32]}"
        self.main = f"{self.scripts}/{_MAIN}"
        self.entries = [f"/voila/labextensions/{name}" for name in theirs if "/static/remoteEntry." in name]
        self._assets = {
            **{f"/voila/templates/{template}/static/{name}": Asset(file) for name, file in own.items()},
            **{f"/voila/labextensions/{name}": Asset(file) for name, file in theirs.items()},
            **{f"{self.scripts}/{name}": Asset(file, hashed=True) for name, file in own.items()},
            self.main: Asset(own[_MAIN], together, hashed=True),
        }

    def pack(self) -> None:
        """Make the largest answer ready before anybody asks for it."""
        self._assets[self.main].body("br")

    def get(self, path: str) -> Asset | None:
        """What the path of an address stands for, or None."""
        return self._assets.get(path)


def _files(folders: Iterable[Path]) -> dict[str, Path]:
    """The files that may be served, by their path within the first folder that has them."""
    found: dict[str, Path] = {}
    for folder in folders:
        for file in sorted(folder.rglob("*")):
            if file.suffix in _SERVED:
                found.setdefault(file.relative_to(folder).as_posix(), file)
    return found


def _chunks(own: Mapping[str, Path], theirs: Mapping[str, Path], wanted: Iterable[tuple[str, str]]) -> Iterator[Path]:
    numbered = {("voila", name.split(".")[0]): file for name, file in own.items() if name.endswith(".voila.js")}
    for name, file in theirs.items():
        extension, _, chunk = name.partition("/static/")
        if _HASHED.search(chunk) and chunk.endswith(".js"):
            numbered[extension, chunk.split(".")[0]] = file
    return (numbered[chunk] for chunk in wanted if chunk in numbered)
