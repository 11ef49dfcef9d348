import assert from "node:assert/strict";
import { test } from "node:test";

import { ConfigError } from "../core/errors.ts";
import { parseContentProxyConfig } from "./config.ts";

function problemsIn(config: object | string): readonly string[] {
  const text = typeof config === "string" ? config : JSON.stringify(config);
  try {
    parseContentProxyConfig(text, "a.yaml");
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

const registry = "registry.example.com:5000";

test("two parts of a node cannot listen at one address", () => {
  const [a, b, c] = ["127.0.0.1:7000", "127.0.0.1:7001", "127.0.0.1:7002"];
  const at = (swarm: string, admin: string, mirror: object = {}) =>
    problemsIn({ swarm: { listen: swarm }, admin: { listen: admin }, mirror });
  const ports = (...listen: string[]) => ({
    ports: listen.map((address) => ({ listen: address, registry })),
  });
  for (const [key, problems] of [
    ["admin.listen", at(a, a)],
    ["admin.listen", at("0.0.0.0:7000", a)],
    ["admin.listen", at("[::]:7000", a)],
    ["admin.listen", at("[::]:7000", "[::1]:7000")],
    ["admin.listen", at("localhost:7000", "0.0.0.0:7000")],
    ["admin.listen", at("[::ffff:127.0.0.1]:7000", a)],
    ["mirror.listen", at(a, b, { enabled: true, listen: b })],
    ["mirror.ports[1].listen", at(a, b, { enabled: true, ...ports(c, c) })],
    ["mirror.ports[0].listen", at(a, b, { enabled: true, ...ports(a) })],
  ] as const) {
    assert.equal(problems.length, 1, problems.join("\n"));
    assert.match(problems[0] ?? "", /want another port/);
    assert.ok(problems[0]?.includes(` ${key}: `), problems[0]);
  }
  for (const problems of [
    at(a, b, { enabled: true, listen: c }),
    at(a, b, { enabled: false, listen: b, ...ports(b, b) }),
    at("127.0.0.1:0", "127.0.0.1:0", { enabled: true, listen: "127.0.0.1:0" }),
    at("127.0.0.2:7000", a),
    at("0.0.0.0:7000", "[::1]:7000"),
  ]) {
    assert.deepEqual(problems, []);
  }
});

test("one path cannot be two things, nor snapshots be in the store or around it", () => {
  const snapshots = (root: string, enabled = true) => ({
    store: { root: "/var/lib/a" },
    snapshots: { enabled, root },
  });
  for (const [key, config] of [
    ["store.socket", { store: { root: "/run/a", socket: "/run/a" } }],
    ["store.socket", { store: { root: "/run/a/b/", socket: "/run/a" } }],
    ["store.socket", { store: { socket: "/run/c" }, containerd: { address: "/run//c" } }],
    ["snapshots.root", snapshots("/var/lib/a")],
    ["snapshots.root", snapshots("/var/lib/a/blobs")],
    ["snapshots.root", snapshots("/var/lib/a/shoal/v1")],
    ["snapshots.root", snapshots("/var/lib")],
    ["snapshots.root", snapshots("/")],
  ] as const) {
    const problems = problemsIn(config);
    assert.equal(problems.length, 1, problems.join("\n"));
    assert.ok(problems[0]?.includes(` ${key}: `), problems[0]);
  }
  assert.deepEqual(problemsIn(snapshots("/var/lib/ab")), []);
  assert.deepEqual(problemsIn(snapshots("/var/lib/a/blobs", false)), []);
  assert.deepEqual(problemsIn(snapshots("/var/lib/a/snapshots")), []);
  assert.deepEqual(problemsIn({ store: { root: "/run/a", socket: "/run/a/b" } }), []);
});

test("one blob has no more peers than there may be connections", () => {
  const [problem] = problemsIn("swarm:\n  peersPerBlobMax: 20\n  connectionsMax: 10\n");
  assert.equal(
    problem,
    "a.yaml:2:3: swarm.peersPerBlobMax: is 20, want at most swarm.connectionsMax, 10",
  );
  assert.deepEqual(problemsIn({ swarm: { connectionsMax: 10 } }), []);
});

test("a registry is listed once, whatever it is called", () => {
  const registries = ["a.example", "docker.io", "A.example", "index.docker.io"];
  const problems = problemsIn({ origin: { registries: registries.map((host) => ({ host })) } });
  assert.equal(problems.length, 2);
  assert.match(problems[0] ?? "", / origin\.registries\[2\]\.host: is "A\.example", /);
  assert.match(problems[1] ?? "", / origin\.registries\[3\]\.host: is "index\.docker\.io", /);
});

test("a token that trackers would not take is refused, and not shown", () => {
  const problems = problemsIn({ publishToken: "fifteen letters" });
  assert.deepEqual(problems, [
    "a.yaml:1:2: publishToken: does not fit, want at least 16 characters",
  ]);
  assert.deepEqual(problemsIn({ publishToken: "sixteen letters." }), []);
});

test("combinations are told together with what is wrong by itself, each with its line", () => {
  const problems = problemsIn(`
swarm: { listen: "127.0.0.1:7000", connectionsMax: 1.5, more: 1 }
admin: { listen: "127.0.0.1:7000" }
trackers: [none]
snapshots:
  enabled: true
  root: /var/lib/containerd
origin: { registries: [{ host: a.example }, { host: a.example }, {}] }
`);
  const places = problems.map((problem) => problem.split(": ").slice(0, 2).join(" "));
  assert.deepEqual(places.sort(), [
    "a.yaml:2:36 swarm.connectionsMax",
    "a.yaml:2:57 swarm.more",
    "a.yaml:3:10 admin.listen",
    "a.yaml:4:12 trackers[0]",
    "a.yaml:7:3 snapshots.root",
    "a.yaml:8:66 origin.registries[2].host",
  ]);
});
