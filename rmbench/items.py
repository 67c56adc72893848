"""Items on disk: read (parquet or jsonl), check, hash, write. One shape for pairs, ties and pools."""

from __future__ import annotations

import difflib
import hashlib
import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rmbench.errors import TaskError
from rmbench.types import Item, Message

COLUMNS = ("id", "group", "prompt", "responses", "gold", "probability", "votes", "tags", "logprobs", "contexts")


def read_items(folder: Path) -> tuple[Item, ...]:
    """The items of a task folder, each one checked. Raises TaskError naming the file, the item and the field."""
    if all((folder / name).exists() for name in FILES):
        raise TaskError(f"{folder}: {' and '.join(FILES)} are both there, and only one can be meant; remove the other")
    for name, reader in FILES.items():
        path = folder / name
        if path.exists():
            items = tuple(_item(row, f"{path}, item {n}") for n, row in enumerate(reader(path), start=1))
            check_unique(items, path)
            return items
    raise TaskError(
        f"{folder}: neither items.parquet nor items.jsonl is there; run `rmbench tasks build {folder.name}`"
    )


def has_items(folder: Path) -> bool:
    """Whether the folder holds items, in either format."""
    return any((folder / name).exists() for name in FILES)


def content_hash(items: Iterable[Item]) -> str:
    """sha256 over the items' canonical JSON lines: the same whatever file format or library version stores them.

    Log-probabilities and contexts count where there are some; items without hash as before those fields existed.
    """
    digest = hashlib.sha256()
    for item in items:
        fields = asdict(item)
        for name in ("logprobs", "contexts"):
            if fields[name] is None:
                del fields[name]
        digest.update(json.dumps(fields, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode())
        digest.update(b"\n")
    return digest.hexdigest()


def replace_file(path: Path, content: bytes) -> None:
    """Write a file in one step: a reader sees the old or the new content, never half."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def parquet_bytes(items: Sequence[Item], canary: str) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    tag_names = sorted({name for item in items for name in item.tags})
    tags = pa.struct([(name, pa.string()) for name in tag_names]) if tag_names else pa.null()
    message = pa.struct([("role", pa.string()), ("content", pa.string())])
    columns = [
        ("id", pa.string()),
        ("group", pa.string()),
        ("prompt", pa.list_(message)),
        ("responses", pa.list_(pa.string())),
        ("gold", pa.list_(pa.float64())),
        ("probability", pa.float64()),
        ("votes", pa.list_(pa.int64())),
        ("tags", tags),
    ]
    if any(item.logprobs is not None for item in items):
        columns.append(("logprobs", pa.list_(pa.float64())))
    if any(item.contexts is not None for item in items):
        columns.append(("contexts", pa.list_(pa.list_(message))))
    schema = pa.schema(columns, metadata={"canary": canary})
    rows = [{**{c: getattr(i, c) for c, _ in columns}, "tags": dict(i.tags) if tag_names else None} for i in items]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), sink, compression="zstd", compression_level=19)
    return bytes(sink.getvalue())


def _parquet_rows(path: Path) -> list[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise TaskError(f"{path}: not a readable parquet file ({error}); restore or rebuild it") from None
    return rows


def _jsonl_rows(path: Path) -> Iterable[dict[str, Any]]:
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                row = json.loads(line)
                if b"\\u" in line:  # half of a surrogate pair can be escaped, and then belongs to no text
                    json.dumps(row, ensure_ascii=False).encode()
            except (ValueError, RecursionError) as error:
                raise TaskError(f"{path}, line {number}: not JSON ({error})") from None
            if not isinstance(row, dict):
                raise TaskError(f"{path}, line {number}: expected an object with the fields {', '.join(COLUMNS)}")
            yield row


def _item(row: Mapping[str, Any], where: str) -> Item:
    unknown = set(row) - set(COLUMNS)
    if unknown:
        name = min(unknown)
        raise TaskError(
            f"{where}: unknown field {name!r}{did_you_mean(name, COLUMNS)}; fields are {', '.join(COLUMNS)}"
        )
    try:
        votes = None if row.get("votes") is None else _list(row, "votes", where)
        item = Item(
            id=_name(row, "id", where),
            group=_name(row, "group", where),
            prompt=_messages(_list(row, "prompt", where)),
            responses=tuple(_list(row, "responses", where)),
            gold=tuple(float(g) for g in _list(row, "gold", where)),
            probability=None if row.get("probability") is None else float(row["probability"]),
            votes=None if votes is None else (int(votes[0]), int(votes[1])),
            tags={k: v for k, v in (row.get("tags") or {}).items() if v is not None},
            logprobs=None if row.get("logprobs") is None else tuple(float(x) for x in _list(row, "logprobs", where)),
            contexts=None if row.get("contexts") is None else tuple(map(_messages, _list(row, "contexts", where))),
        )
    except KeyError as error:
        raise TaskError(f"{where}: the field {error} is missing") from None
    except (TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
        raise TaskError(f"{where}: a field has the wrong type ({error})") from None
    check_item(item, where)
    return item


def _messages(raw: Iterable[Any]) -> tuple[Message, ...]:
    return tuple(Message(role=m["role"], content=m["content"]) for m in raw)


def _name(row: Mapping[str, Any], field: str, where: str) -> str:
    """A text, or a whole number as text. An absent group must not become the group "None" of all items."""
    value = row[field]
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise TaskError(f"{where}: the field {field!r} is {value!r:.40}; give a text")
    return str(value)


def _list(row: Mapping[str, Any], field: str, where: str) -> list[Any]:
    value = row[field]
    if not isinstance(value, list) or (field == "votes" and len(value) != 2):
        kind = "two counts" if field == "votes" else "a list"
        raise TaskError(f"{where}: the field {field!r} must be {kind}, not {value!r:.40}")
    return value


def check_item(item: Item, where: str) -> None:
    """Raises TaskError when an item breaks what every reader relies on."""
    where = f"{where} (id {item.id!r})"
    if len(item.responses) < 2 or len(item.responses) != len(item.gold):
        raise TaskError(
            f"{where}: {len(item.responses)} responses and {len(item.gold)} gold values; give at least 2, one gold each"
        )
    _check_prompts(item, where)
    for index, response in enumerate(item.responses):
        if not isinstance(response, str) or not response.strip():
            raise TaskError(f"{where}: responses[{index}] is empty; remove the candidate or give its text")
    for index, gold in enumerate(item.gold):
        if not math.isfinite(gold):
            raise TaskError(f"{where}: gold[{index}] is {gold}; gold must be a finite number")
    _check_logprobs(item, where)
    if item.probability is not None and not 0 <= item.probability <= 1:
        raise TaskError(f"{where}: probability is {item.probability}; it must lie in [0, 1]")
    if item.votes is not None and (min(item.votes) < 0 or sum(item.votes) == 0):
        raise TaskError(f"{where}: votes are {item.votes}; give counts that are not negative and not both zero")
    for name, tag in item.tags.items():
        if not isinstance(name, str) or not isinstance(tag, str):
            raise TaskError(f"{where}: the tag {name!r} is {tag!r:.40}; tags are texts")


def _check_prompts(item: Item, where: str) -> None:
    for prompt in (item.prompt, *(item.contexts or ())):
        if not prompt or any(not isinstance(m["content"], str) or not m["content"].strip() for m in prompt):
            raise TaskError(f"{where}: the field prompt is empty; give at least one message with text")
        if any(not isinstance(m["role"], str) for m in prompt):
            raise TaskError(f"{where}: a message of the prompt has no role; give user, assistant or system")
    if item.contexts is not None and (len(item.contexts) != len(item.responses) or item.contexts[0] != item.prompt):
        raise TaskError(f"{where}: contexts are one prompt per response, and the first one is the item's prompt")


def _check_logprobs(item: Item, where: str) -> None:
    if item.logprobs is None:
        return
    if len(item.logprobs) != len(item.responses):
        raise TaskError(
            f"{where}: {len(item.responses)} responses and {len(item.logprobs)} logprobs; give one each, or none at all"
        )
    for index, nats in enumerate(item.logprobs):
        if not (math.isfinite(nats) and nats <= 0):
            raise TaskError(
                f"{where}: logprobs[{index}] is {nats}; the logarithm of a probability is finite and at most 0"
            )


def check_unique(items: Sequence[Item], where: Path) -> None:
    seen: set[str] = set()
    for item in items:
        if item.id in seen:
            raise TaskError(f"{where}: the id {item.id!r} occurs twice; ids must be unique")
        seen.add(item.id)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint for a misspelt name, or nothing."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


FILES = {"items.parquet": _parquet_rows, "items.jsonl": _jsonl_rows}  # the two formats of a task's items
