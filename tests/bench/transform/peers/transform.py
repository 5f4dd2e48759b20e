"""The transformation as one writes it in Python: json, gzip, base64 of the standard library."""
import base64
import gzip
import json
import sys
import time


def handler(event):
    results = []
    for record in event["records"]:
        try:
            payload = json.loads(gzip.decompress(base64.b64decode(record["data"])))
        except (ValueError, OSError, EOFError):
            results.append({"recordId": record["recordId"], "result": "ProcessingFailed", "data": record["data"]})
            continue
        if payload["messageType"] == "CONTROL_MESSAGE":
            results.append({"recordId": record["recordId"], "result": "Dropped"})
            continue
        lines = "".join(
            json.dumps(
                {
                    "id": e["id"],
                    "timestamp": e["timestamp"],
                    "message": e["message"],
                    "logGroup": payload["logGroup"],
                    "logStream": payload["logStream"],
                    "owner": payload["owner"],
                },
                ensure_ascii=False,
                separators=(",", ":"),
            )
            + "\n"
            for e in payload["logEvents"]
        )
        data = base64.b64encode(lines.encode("utf-8")).decode("ascii")
        results.append({"recordId": record["recordId"], "result": "Ok", "data": data})
    return {"records": results}


def main():
    files = {}
    for line in sys.stdin:
        path, _, answer_path = line.rstrip("\n").partition("\t")
        if path not in files:
            with open(path, "rb") as f:
                files[path] = f.read()
        wall, cpu = time.perf_counter_ns(), time.process_time_ns()
        answer = json.dumps(handler(json.loads(files[path]))).encode()
        cpu, wall = time.process_time_ns() - cpu, time.perf_counter_ns() - wall
        if answer_path:
            with open(answer_path, "wb") as f:
                f.write(answer)
        print(cpu, wall, len(answer), flush=True)


main()
