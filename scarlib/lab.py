"""A part of JupyterLab's server, on where `scarlib lab` starts it: what a consultation shows is not saved, and nobody
is asked about news while a client looks on.

JupyterLab saves a notebook with all that its cells show, every two minutes and by itself. In a consultation that is a
client's health, which the next client must not find there.
"""

from typing import Any

MARK = "consultation"  # what `scarlib` says in the metadata of a notebook that is one client's


def forget(model: dict[str, Any], **_: object) -> None:
    """Take what its cells show out of a consultation that is about to be saved."""
    content = model.get("content")
    if model.get("type") != "notebook" or not content or content.get("metadata", {}).get("scarlib") != MARK:
        return
    content["metadata"].pop("widgets", None)
    for cell in content["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None


def _without_news(_: Any, page: dict[str, Any]) -> dict[str, Any]:
    return {**page, "disabledExtensions": [*page["disabledExtensions"], "@jupyterlab/apputils-extension:announcements"]}


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "scarlib.lab"}]


def _load_jupyter_server_extension(server: Any) -> None:
    server.contents_manager.register_pre_save_hook(forget)
    server.web_app.settings["page_config_hook"] = _without_news
