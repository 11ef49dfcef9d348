import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";

import { testFolder } from "../core/testing/test-folder.ts";
import { containerd } from "./gen/content.js";

const { ReadContentResponse, WriteContentRequest, WriteAction } = containerd.services.content.v1;

test("generate.sh makes exactly the files that are kept", async (t) => {
  const made = testFolder(t, "protos");
  await promisify(execFile)("sh", [join(import.meta.dirname, "generate.sh"), made], {
    env: { ...process.env, npm_node_execpath: process.execPath },
  });
  const kept = join(import.meta.dirname, "gen");
  assert.deepEqual(await readdir(made), await readdir(kept));
  for (const name of await readdir(kept)) {
    assert.equal(
      await readFile(join(made, name), "utf8"),
      await readFile(join(kept, name), "utf8"),
      `protos/gen/${name} is out of date: npm run protos`,
    );
  }
});

test("decode() of bytes gives a view into what came from the wire", () => {
  const data = Buffer.alloc(64 * 1024, 7);
  const wire = Buffer.from(ReadContentResponse.encode({ offset: 1, data }).finish());
  const decoded = ReadContentResponse.decode(wire).data;
  wire[wire.length - 1] = 8;
  assert.equal(decoded[data.length - 1], 8);
});

test("messages have the field numbers of containerd's API", () => {
  const wire = Buffer.from("0801" + "120172" + "1803" + "220165" + "2805" + "320164", "hex");
  const labels = Buffer.from("3a06" + "0a016b" + "120176", "hex");
  const request = WriteContentRequest.decode(Buffer.concat([wire, labels]));
  assert.equal(request.action, WriteAction.WRITE);
  assert.equal(request.ref, "r");
  assert.equal(Number(request.total), 3);
  assert.equal(request.expected, "e");
  assert.equal(Number(request.offset), 5);
  assert.deepEqual([...request.data], [0x64]);
  assert.deepEqual(request.labels, { k: "v" });
});
