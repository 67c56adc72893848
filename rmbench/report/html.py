"""One HTML file that holds a whole run: it works from disk, loads nothing, and runs no script but its own two."""

from __future__ import annotations

import base64
import hashlib
import os
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from rmbench.errors import RunError, UsageError
from rmbench.report import words
from rmbench.report.page import build_page

HERE = Path(__file__).parent


def write_report(run_path: Path, out: Path, *, tasks_dir: Path | None = None) -> Path:
    """Write the page of a run folder to `out`, whole or not at all, and return `out`.

    `tasks_dir` holds a person's own tasks, whose texts are shown beside the worst examples. Raises RunError for a run
    that cannot be read or a file that cannot be written, UsageError if `out` is a folder.
    """
    _no_folder(out)
    _write(out, render(build_page(Path(run_path), tasks_dir)))
    return out


def write_page(page: dict[str, Any], out: Path, template: str) -> Path:
    """Write a page of another template to `out`, with the same errors as `write_report`."""
    _no_folder(out)
    _write(out, render(page, template))
    return out


def _no_folder(out: Path) -> None:
    if out.is_dir():
        raise UsageError(f"{out} is a folder; name a file such as {out / 'report.html'}")


def render(page: dict[str, Any], template: str = "template.html.j2") -> str:
    """The page as text. Everything in `page` is escaped; only our own style and scripts are not."""
    from markupsafe import Markup

    style = (HERE / "style.css").read_text(encoding="utf-8")
    # The library is most of a page's bytes: one without charts does without.
    library = [charts_library()] if page["charts"]["charts"] else []
    scripts = [*library, (HERE / "draw.js").read_text(encoding="utf-8")]
    return str(
        environment()
        .get_template(template)
        .render(
            page,
            policy=_policy(style, scripts),
            # Safe to leave unescaped: shipped with this package or with vl-convert, never from a run.
            style=Markup(style),  # noqa: S704
            scripts=[Markup(script) for script in scripts],  # noqa: S704
        )
    )


@cache
def environment(*folders: Path) -> Any:
    """Where templates come from: the folders given, then ours. Everything that a template is told is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader([*folders, HERE]),
        autoescape=True,
        finalize=_plain,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for kind in (words.number, words.reward, words.interval, words.visible, words.why):
        made.filters[kind.__name__] = kind
    return made


def _plain(value: Any) -> Any:
    """Whatever a run or a card says (a title too) cannot turn the reading direction; what is ours is Markup."""
    from markupsafe import Markup

    return words.visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def charts_library() -> str:
    """Vega, Vega-Lite and Vega-Embed in one script (BSD-3-Clause), as vl-convert carries them."""
    import vl_convert

    script: str = vl_convert.javascript_bundle()  # type: ignore[call-arg]  # its stub asks for more
    # Both would end or confuse the script element that the library is put in.
    return script.replace("</script", "<\\/script").replace("<!--", "\\x3c!--")


def _policy(style: str, scripts: list[str]) -> str:
    """Content-Security-Policy: nothing from anywhere, and no style or script but these, known by their digests."""
    allowed = " ".join(f"'{_digest(script)}'" for script in scripts)
    return (
        f"default-src 'none'; script-src {allowed}; style-src '{_digest(style)}'; base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _write(out: Path, text: str) -> None:
    """Put the whole file in place at once, so that a reader never meets half a page."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=out.parent, prefix=f".{out.name}.")
        draft = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", errors="replace", newline="\n") as file:
                file.write(text)
            draft.chmod(0o644)
            draft.replace(out)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise RunError(f"{out} could not be written: {error.strerror or error}") from error
