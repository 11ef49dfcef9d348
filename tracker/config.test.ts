import assert from "node:assert/strict";
import { test } from "node:test";

import { ConfigError } from "../core/errors.ts";
import { parseTrackerConfig } from "./config.ts";

test("parseTrackerConfig() has a default for every key", () => {
  const config = parseTrackerConfig("", "tracker.yaml");
  assert.deepEqual(config.listen.http, { host: "::", port: 6969 });
  assert.deepEqual(config.listen.udp, { host: "::", port: 6969 });
  assert.equal(config.announce.intervalMs, 600_000);
  assert.equal(config.announce.onlyDirectory, false);
  assert.equal(config.directory.bytesMax, 256 * 1024 ** 2);
});

test("parseTrackerConfig() reads what a file says", () => {
  const text = 'listen: {http: "127.0.0.1:1", udp: false}\ndirectory: {bytesMax: 1GiB, path: /x}';
  const { listen, directory } = parseTrackerConfig(text, "tracker.yaml");
  assert.equal(listen.udp, false);
  assert.equal(directory.bytesMax, 1024 ** 3);
  assert.equal(directory.path, "/x");
});

test("parseTrackerConfig() refuses what cannot be, all of it at once", () => {
  const text = [
    "announce: {intervalMs: 2000, intervalMinMs: 3000}",
    "listen: {udp: true, connectionsMax: 0}",
    "directory: {publishToken: short, bytes: 1GiB}",
  ].join("\n");
  assert.throws(
    () => parseTrackerConfig(text, "tracker.yaml"),
    (error) =>
      error instanceof ConfigError &&
      ["intervalMinMs", "udp", "connectionsMax", "publishToken", "bytes"].every((key) =>
        error.message.includes(key),
      ) &&
      !error.message.includes('"short"'),
  );
  const crossed = "announce: {intervalMs: 2000, intervalMinMs: 3000}";
  assert.throws(() => parseTrackerConfig(crossed, "tracker.yaml"), /intervalMinMs: is more than/);
});
