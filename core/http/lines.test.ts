import assert from "node:assert/strict";
import { test } from "node:test";

import { lines } from "./lines.ts";

test("lines() cuts at line ends wherever chunks end, also within a character", async () => {
  const bytes = Buffer.from("aé\n\nb\r\nc");
  for (let at = 0; at <= bytes.length; at++) {
    const found: string[] = [];
    for await (const line of lines(chunks([bytes.subarray(0, at), bytes.subarray(at)]))) {
      found.push(line.trim());
    }
    assert.deepEqual(found, ["aé", "b", "c"]);
  }
});

test("lines() refuses a line without end", async () => {
  const endless = chunks(Array.from({ length: 100 }, () => Buffer.alloc(1024, "x")));
  await assert.rejects(async () => {
    for await (const line of lines(endless)) assert.fail(line);
  }, /endless line/);
});

async function* chunks(parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts;
}
