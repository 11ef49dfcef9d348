import assert from "node:assert/strict";
import { test } from "node:test";

import { UnavailableError } from "../errors.ts";
import type { Logger } from "../ports/logger.ts";
import { type LogLevel, createJsonLogger } from "./json-logger.ts";

function memoryLogger({ level = "debug", text = false }: { level?: LogLevel; text?: boolean }): {
  logger: Logger;
  lines: string[];
} {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  return { logger: createJsonLogger({ level, text, destination }), lines };
}

/** The only line, parsed. */
function entryOf(lines: readonly string[]): Record<string, unknown> {
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? "", /^[^\n]*\n$/);
  return JSON.parse(lines[0] ?? "") as Record<string, unknown>;
}

test("a line is JSON with level, time, message and fields", () => {
  const { logger, lines } = memoryLogger({});
  logger.with({ part: "swarm" }).info("peer joined", { peer: "10.0.0.1:7080", bytes: 12n });
  const { time, ...entry } = entryOf(lines);
  assert.match(String(time), /^\d{4}-\d\d-\d\dT.*Z$/);
  assert.deepEqual(entry, {
    level: "info",
    part: "swarm",
    peer: "10.0.0.1:7080",
    bytes: "12",
    message: "peer joined",
  });
});

test("lines below the level are not written", () => {
  const { logger, lines } = memoryLogger({ level: "warn" });
  logger.debug("a");
  logger.info("b");
  logger.warn("c");
  logger.error("d");
  assert.deepEqual(
    lines.map((line) => (JSON.parse(line) as { message: string }).message),
    ["c", "d"],
  );
});

test("credentials are hidden wherever they stand", () => {
  const { logger, lines } = memoryLogger({});
  logger
    .with({ registryPassword: "sesame" })
    .warn("no answer from http://me:sesame@host/v2/?sig=sesame", {
      headers: { Authorization: "Bearer sesame", accept: "*/*" },
      url: new URL("https://s3/bucket?X-Amz-Signature=sesame"),
      list: [{ identityToken: "sesame" }],
      map: new Map([["secret", "sesame"]]),
      cause: new UnavailableError("Cannot get http://h/?token=sesame", {
        cause: new AggregateError([new Error("https://u:sesame@h")]),
      }),
    });
  assert.doesNotMatch(lines.join(""), /sesame/);
  assert.match(lines.join(""), /accept/);
});

test("bytes are counted, not shown, and long or deep values are cut", () => {
  const { logger, lines } = memoryLogger({});
  const circle: Record<string, unknown> = {};
  circle["circle"] = circle;
  logger.info("x", {
    body: Buffer.from("attack"),
    text: "y".repeat(1e6),
    circle,
    list: new Array(1e5).fill(1),
  });
  const line = lines.join("");
  assert.match(line, /"body":"\[6 bytes\]"/);
  assert.equal(line.length < 4000, true);
});

test("an error becomes name, message, code and cause", () => {
  const { logger, lines } = memoryLogger({});
  logger.error("failed", { error: new UnavailableError("Cannot reach it", { cause: "why" }) });
  const { error } = entryOf(lines) as { error: Record<string, unknown> };
  assert.equal(error["name"], "UnavailableError");
  assert.equal(error["code"], "unavailable");
  assert.equal(error["cause"], "why");
});

test("an operating error has no stack, nor has what the system said; a mistake of ours has one", () => {
  const { logger, lines } = memoryLogger({});
  const refused = Object.assign(new Error("connect ECONNREFUSED"), { syscall: "connect" });
  logger.warn("x", {
    error: new UnavailableError("Cannot reach it", { cause: new AggregateError([refused]) }),
  });
  const { error } = entryOf(lines) as { error: { cause: { errors: readonly object[] } } };
  assert.deepEqual("stack" in error, false);
  assert.deepEqual(
    error.cause.errors.map((each) => "stack" in each),
    [false],
  );

  lines.length = 0;
  logger.error("x", { error: refused });
  assert.match(lines.join(""), /"stack":"Error: connect ECONNREFUSED\\n {4}at /);

  lines.length = 0;
  logger.error("x", {
    error: new UnavailableError("Cannot do it", { cause: new TypeError("x is undefined") }),
  });
  assert.match(lines.join(""), /"stack":"TypeError: x is undefined\\n {4}at /);
});

test("text for a terminal is one line that cannot steer it", () => {
  const { logger, lines } = memoryLogger({ text: true });
  logger.warn("odd\npeer", { ref: "a\u001b[2J b", peer: "h:1", count: 3 });
  assert.equal(lines.length, 1);
  assert.equal(
    lines[0]?.replace(/^\d\d:\d\d:\d\d\.\d{3}/, "12:00:00.000"),
    '12:00:00.000 \u001b[33mwarn \u001b[0m odd\ufffdpeer ref="a\\u001b[2J b" peer=h:1 count=3\n',
  );
});
