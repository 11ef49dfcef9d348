import assert from "node:assert/strict";
import { test } from "node:test";

import { InvalidArgumentError } from "./errors.ts";
import { type NodeHello, isNodeName, nodeHelloLengthMax, parseNodeHello } from "./node-hello.ts";

const hello: NodeHello = {
  name: "node-17.rack-4.example",
  instance: "0b0cd3ac-54ad-4d9c-a6d1-0cb7a3c1b3ef",
  labels: { zone: "a", "topology.kubernetes.io/zone": "eu-1a", empty: "" },
  platform: { os: "linux", architecture: "arm", variant: "v7" },
};

test("parseNodeHello() reads what a node says of itself, and leaves out what it does not know", () => {
  assert.deepEqual(parseNodeHello({ ...hello, later: "a newer node may say more" }), hello);
});

test("parseNodeHello() refuses what is malformed", () => {
  const manyLabels = Object.fromEntries(
    Array.from({ length: 65 }, (_, index) => [`l${index}`, ""]),
  );
  for (const wrong of [
    undefined,
    null,
    [],
    "node",
    {},
    { ...hello, name: "" },
    { ...hello, name: "a b" },
    { ...hello, name: "-a" },
    { ...hello, name: "a".repeat(254) },
    { ...hello, instance: "1" },
    { ...hello, labels: { "a=b": "c" } },
    { ...hello, labels: { a: 1 } },
    { ...hello, labels: { a: "b c" } },
    { ...hello, labels: { a: "x".repeat(64) } },
    { ...hello, labels: { "a/b/c": "" } },
    { ...hello, labels: manyLabels },
    { ...hello, platform: { os: "linux" } },
    { ...hello, platform: { os: "linux", architecture: "amd64/v8" } },
  ]) {
    assert.throws(() => parseNodeHello(wrong), InvalidArgumentError, JSON.stringify(wrong));
  }
});

test("an introduction with all labels at their longest has room", () => {
  const key = (index: number) => `${"p".repeat(253)}/${String(index).padEnd(63, "k")}`;
  const keys = Array.from({ length: 64 }, (_, index) => key(index));
  const labels = Object.fromEntries(keys.map((name) => [name, "v".repeat(63)]));
  const longest = parseNodeHello({ ...hello, labels });
  assert.ok(JSON.stringify(longest).length < nodeHelloLengthMax);
});

test("isNodeName() takes names of hosts", () => {
  const names = ["node", "NODE_1", "a.b-c", "1", "ä", "a/b", "a.", ""];
  assert.deepEqual(names.filter(isNodeName), ["node", "NODE_1", "a.b-c", "1"]);
});
