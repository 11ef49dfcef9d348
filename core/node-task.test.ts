import assert from "node:assert/strict";
import { test } from "node:test";

import { parseDigest } from "./digest.ts";
import { InvalidArgumentError } from "./errors.ts";
import { parseImageReference } from "./image-reference.ts";
import { mediaTypes } from "./media-type.ts";
import { formatNodeTaskMessage, parseNodeTaskMessage } from "./node-task.ts";
import {
  formatNodeTaskReport,
  nodeTaskReportLengthMax,
  parseNodeTaskReport,
} from "./node-task-report.ts";

const id = "0b0cd3ac-54ad-4d9c-a6d1-0cb7a3c1b3ef";
const task = {
  task: "preheat",
  id,
  image: parseImageReference("registry.example:5000/team/app:1.0"),
  top: {
    mediaType: mediaTypes.ociIndex,
    digest: parseDigest(`sha256:${"a".repeat(64)}`),
    size: 1234,
  },
  platforms: [{ os: "linux", architecture: "arm64", variant: "v8" }],
} as const;

test("messages to nodes are read as they were written, a line each", () => {
  for (const message of [
    task,
    { ...task, platforms: "all" },
    { task: "cancel", id },
    { task: "none" },
  ] as const) {
    const line = formatNodeTaskMessage(message);
    assert.equal(line.indexOf("\n"), line.length - 1);
    assert.deepEqual(parseNodeTaskMessage(line), message);
  }
});

test("parseNodeTaskMessage() passes over kinds that a newer seeder may send", () => {
  assert.equal(parseNodeTaskMessage('{"task": "dance", "id": 7}'), undefined);
});

test("parseNodeTaskMessage() refuses what is malformed", () => {
  const line = JSON.parse(formatNodeTaskMessage(task)) as Record<string, unknown>;
  const huge = { ...task.top, size: 2 ** 30 };
  for (const wrong of [
    "",
    "{",
    "null",
    "{}",
    '{"task": 1}',
    { ...line, id: "7" },
    { ...line, image: "../../etc/passwd" },
    { ...line, image: "x".repeat(601) },
    { ...line, top: { ...task.top, digest: "sha256:short" } },
    { ...line, top: { ...task.top, size: -1 } },
    { ...line, top: huge },
    { ...line, platforms: [] },
    { ...line, platforms: ["linux"] },
    { ...line, platforms: Array.from({ length: 51 }, () => "linux/amd64") },
    { task: "cancel" },
  ]) {
    const text = typeof wrong === "string" ? wrong : JSON.stringify(wrong);
    assert.throws(() => parseNodeTaskMessage(text), InvalidArgumentError, text);
  }
});

test("reports of nodes are read as they were written, with as much of a problem as has room", () => {
  const report = { state: "paused", bytes: 10, size: 20 } as const;
  assert.deepEqual(parseNodeTaskReport(JSON.parse(formatNodeTaskReport(report))), report);
  const text = formatNodeTaskReport({ ...report, state: "failed", problem: "ä\n".repeat(5000) });
  assert.ok(Buffer.byteLength(text) < nodeTaskReportLengthMax);
  assert.equal(parseNodeTaskReport(JSON.parse(text)).problem?.length, 1000);
});

test("parseNodeTaskReport() refuses what is malformed", () => {
  const report = { state: "done", bytes: 1, size: 1 };
  for (const wrong of [
    undefined,
    {},
    { ...report, state: "well" },
    { ...report, bytes: -1 },
    { ...report, bytes: 2 ** 60 },
    { ...report, size: "1" },
    { ...report, problem: "x".repeat(1001) },
  ]) {
    assert.throws(() => parseNodeTaskReport(wrong), InvalidArgumentError);
  }
});
