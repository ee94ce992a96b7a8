"""Run cells under a real Recorder in a process of their own, and return what it said, validated.

As a program: reads {"cells": [...], "data": folder} as JSON from stdin, runs the cells as the
runner does, sends each message through the wire's frames and the records, and prints them as JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Told:
    """What the recorder said of some cells; `answers` is what they left in `answer`."""

    events: list[dict[str, Any]]
    models: dict[int, dict[str, Any]]
    values: dict[str, dict[str, Any]]
    faults: list[str]
    answer: Any

    def of_kind(self, kind: str, **fields: Any) -> list[dict[str, Any]]:
        return [
            event
            for event in self.events
            if event["kind"] == kind and all(event[key] == value for key, value in fields.items())
        ]


def run_cells(
    cells: list[str],
    data: str | None,
    *,
    record: bool = True,
    warm: str = "",
    allowed: float | None = None,
    trainings: int = 1,
) -> Told:
    """`warm` names modules, with spaces between, that are imported before the recorder is.

    `allowed` is how much work the `trainings` may take, as the limits of a lab have it.
    """
    job = {"cells": cells, "data": data, "record": record, "warm": warm}
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "MPLBACKEND": "Agg"}
    with tempfile.TemporaryDirectory() as work:
        done = subprocess.run(
            [sys.executable, os.path.abspath(__file__)],
            input=json.dumps({**job, "work": allowed, "trainings": trainings}),
            capture_output=True,
            text=True,
            env=environment,
            cwd=work,
            timeout=400,
            check=False,
        )
    assert done.returncode == 0, done.stderr[-4_000:]
    told = json.loads(done.stdout.splitlines()[-1])
    told["models"] = {model["id"]: model for model in told["models"]}
    told["values"] = {value["name"]: value for value in told["values"]}
    return Told(**told)


def _main() -> None:
    import importlib
    import io

    import pydantic

    from grader.inside import legacy, wire
    from grader.inside.datasets import Datasets
    from grader.inside.import_hooks import PostImport
    from grader.inside.recorder import Recorder
    from grader.records import evidence

    job = json.load(sys.stdin)
    event_type = pydantic.TypeAdapter(evidence.AnyEvent)
    said: dict[str, list[Any]] = {"events": [], "models": [], "values": [], "faults": []}

    def plain(record: pydantic.BaseModel) -> Any:
        return json.loads(record.model_dump_json())

    def emit(what: str, fields: dict[str, Any]) -> None:
        fields = wire.read(io.BytesIO(wire.encode({"body": fields})).read)["body"]
        if what == "event":
            event = event_type.validate_python({**fields, "number": len(said["events"])})
            told = plain(event)
            for side in ("train", "feed", "validation"):
                feed = getattr(event, side, None)
                if feed is not None and feed.x is not None and feed.x.sample is not None:
                    told[side]["x"]["sample_shape"] = list(feed.x.sample.shape)
                    told[side]["x"]["sample_dtype"] = str(feed.x.sample.dtype)
                    told[side]["x"]["sample_rows"] = feed.x.sample_rows.tolist()
            output = getattr(event, "output", None)
            if output is not None and output.sample is not None:
                told["output_sample"] = output.sample.tolist()
            said["events"].append(told)
        elif what == "model":
            said["models"].append(plain(evidence.ModelFacts.model_validate(fields)))
        else:
            values = [evidence.ValueFacts.model_validate(item) for item in fields["values"]]
            said["values"] = [plain(value) for value in values]

    def where() -> tuple[int | None, int | None]:
        frame = sys._getframe(1)
        while frame is not None:
            name = frame.f_code.co_filename
            if name.startswith("<cell "):
                return int(name[6:-1]), frame.f_lineno
            frame = frame.f_back
        return None, None

    for name in job["warm"].split():
        importlib.import_module(name)
    recorder = Recorder(emit, where, job["data"])
    recorder.allow(job["work"], job["trainings"])
    if job["record"]:
        recorder.install()
        legacy.install(recorder.hooks, recorder.note_old)
    else:
        hooks = PostImport()
        Datasets(job["data"], lambda *_: None).hook(hooks)
        hooks.install()
    namespace: dict[str, Any] = {"__name__": "__main__"}
    stdout, sys.stdout = sys.stdout, sys.stderr
    for number, source in enumerate(job["cells"], 1):
        try:
            exec(compile(source, f"<cell {number}>", "exec"), namespace)
        except Exception as error:
            said["faults"].append(f"{number}: {type(error).__name__}: {error}"[:2_000])
        if job["record"]:
            recorder.after_cell(namespace)
    if job["record"]:
        recorder.finish(namespace)
    sys.stdout = stdout
    print(json.dumps({**said, "answer": namespace.get("answer")}))


if __name__ == "__main__":
    _main()
