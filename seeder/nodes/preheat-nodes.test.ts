import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";

import { Limiter } from "../../core/async/limiter.ts";
import { parseDigest } from "../../core/digest.ts";
import { parseImageReference } from "../../core/image-reference.ts";
import { mediaTypes } from "../../core/media-type.ts";
import type { NodeTask, NodeTaskMessage } from "../../core/node-task.ts";
import type { NodeEvent, NodesEvent } from "../preheat-event.ts";
import { NodeTable } from "./node-table.ts";
import { type NodePreheatDeps, preheatNodes } from "./preheat-nodes.ts";

const amd64 = { os: "linux", architecture: "amd64" };
const arm64 = { os: "linux", architecture: "arm64" };
const task = {
  image: parseImageReference("registry.example/app:1"),
  top: { mediaType: mediaTypes.ociIndex, digest: parseDigest(`sha256:${"a".repeat(64)}`), size: 9 },
  platforms: [amd64, arm64],
};

/** Nodes that do with each task what a test says, all in one process. */
class Crowd {
  readonly table = new NodeTable({ nodesMax: 1000 });
  readonly events: (NodesEvent | NodeEvent)[] = [];
  readonly canceled: string[] = [];
  /** Tasks that nodes work on now, by the names of the nodes. */
  readonly tasks = new Map<string, NodeTask>();
  onTask: (name: string, task: NodeTask) => void = () => undefined;

  connect(name: string, options: { platform?: typeof amd64; instance?: string } = {}): Disposable {
    const { platform = amd64, instance = randomUUID() } = options;
    const send = (message: NodeTaskMessage) => {
      if (message.task === "cancel") this.canceled.push(name);
      if (message.task !== "preheat") return;
      this.tasks.set(name, message);
      this.onTask(name, message);
    };
    const link = { send, close: () => undefined };
    return this.table.connect({ name, instance, labels: {}, platform }, link);
  }

  finish(name: string): void {
    const id = this.tasks.get(name)?.id ?? "";
    this.tasks.delete(name);
    this.table.report(id, { state: "done", bytes: 7, size: 7 });
  }

  preheat(
    signal: AbortSignal,
    options: Partial<NodePreheatDeps & { hasOwnPlatform: boolean }> = {},
  ) {
    const { nodesAtOnce = 2, hasOwnPlatform = false } = options;
    const chosen = this.table.choose({ labels: {}, percent: 100 });
    return preheatNodes(
      { chosen, hasOwnPlatform, task },
      {
        ...{ table: this.table, nodesAtOnce, nodeTimeoutMs: 60_000, signal },
        nodeLimiter: options.nodeLimiter ?? new Limiter(nodesAtOnce),
        onEvent: (event) => void this.events.push(event),
        ...options,
      },
    );
  }

  /** How nodes ended, in the order in which they did. */
  lastWords(): string[] {
    return this.events.flatMap((event) =>
      event.event === "node" && event.state !== "fetching" ? [`${event.node} ${event.state}`] : [],
    );
  }
}

/** Lets what was started come to its next wait. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

test("so many nodes fetch at once, and the next when one is through", async (t) => {
  const crowd = new Crowd();
  for (const name of ["a", "b", "c", "d"]) crowd.connect(name);
  const preheating = crowd.preheat(t.signal);
  await settle();
  assert.deepEqual([...crowd.tasks.keys()], ["a", "b"]);
  crowd.finish("b");
  await settle();
  assert.deepEqual([...crowd.tasks.keys()], ["a", "c"]);
  crowd.onTask = (name) => setImmediate(() => crowd.finish(name));
  crowd.finish("a");
  crowd.finish("c");
  assert.deepEqual(await preheating, { count: 4, done: 4, failed: 0 });
  assert.deepEqual(crowd.events[0], { event: "nodes", count: 4 });
});

test("two preheats share the places", async (t) => {
  const crowd = new Crowd();
  for (const name of ["a", "b"]) crowd.connect(name);
  const nodeLimiter = new Limiter(2);
  const both = [crowd.preheat(t.signal, { nodeLimiter }), crowd.preheat(t.signal, { nodeLimiter })];
  await settle();
  assert.equal(crowd.events.filter(({ event }) => event === "nodes").length, 2);
  assert.equal(crowd.tasks.size, 2);
  crowd.onTask = (name) => setImmediate(() => crowd.finish(name));
  crowd.finish("a");
  crowd.finish("b");
  assert.deepEqual(await Promise.all(both), [
    { count: 2, done: 2, failed: 0 },
    { count: 2, done: 2, failed: 0 },
  ]);
});

test("a node gets what is for its own platform, unless platforms were asked for", async (t) => {
  const crowd = new Crowd();
  crowd.connect("a", { platform: arm64 });
  const platforms: NodeTask["platforms"][] = [];
  crowd.onTask = (name, { platforms: named }) => {
    platforms.push(named);
    setImmediate(() => crowd.finish(name));
  };
  await crowd.preheat(t.signal, { hasOwnPlatform: true });
  await crowd.preheat(t.signal);
  assert.deepEqual(platforms, [[arm64], [amd64, arm64]]);
});

test("nodes that fail or go away are counted, and the others go on", async (t) => {
  const crowd = new Crowd();
  crowd.connect("a");
  const b = crowd.connect("b");
  const c = crowd.connect("c");
  crowd.connect("d");
  crowd.onTask = (name, { id }) =>
    setImmediate(() => {
      if (name === "a") {
        crowd.table.report(id, { state: "failed", bytes: 0, size: 0, problem: "no room" });
      } else if (name === "b") {
        crowd.table.report(id, { state: "fetching", bytes: 5, size: 7 });
        b[Symbol.dispose]();
      } else crowd.finish(name);
    });
  const preheating = crowd.preheat(t.signal);
  c[Symbol.dispose]();
  assert.deepEqual(await preheating, { count: 4, done: 1, failed: 3 });
  assert.deepEqual(crowd.lastWords().sort(), ["a failed", "b failed", "c failed", "d done"]);
  const lost = crowd.events.find(
    (event) => event.event === "node" && event.problem === "the connection to the node ended",
  );
  assert.deepEqual(lost?.event === "node" && [lost.bytes, lost.size], [5, 7]);
});

test("a node that came back before its turn gets the image", async (t) => {
  const crowd = new Crowd();
  crowd.connect("a");
  const instance = randomUUID();
  const before = crowd.connect("b", { instance });
  const preheating = crowd.preheat(t.signal, { nodesAtOnce: 1 });
  await settle();
  before[Symbol.dispose]();
  crowd.connect("b", { instance });
  crowd.onTask = (name) => setImmediate(() => crowd.finish(name));
  crowd.finish("a");
  assert.deepEqual(await preheating, { count: 2, done: 2, failed: 0 });
});

test("a node that takes too long is told to stop, and has failed", async (t) => {
  const crowd = new Crowd();
  crowd.connect("a");
  assert.deepEqual(await crowd.preheat(t.signal, { nodeTimeoutMs: 1 }), {
    ...{ count: 1, done: 0, failed: 1 },
  });
  assert.deepEqual(crowd.lastWords(), ["a failed"]);
  assert.deepEqual(crowd.canceled, ["a"]);
});

test("a node that says nothing any more has failed", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const crowd = new Crowd();
  crowd.connect("a");
  const preheating = crowd.preheat(t.signal, { nodeTimeoutMs: 1_000_000 });
  await settle();
  t.mock.timers.tick(119_000);
  crowd.table.report(crowd.tasks.get("a")?.id ?? "", { state: "paused", bytes: 1, size: 2 });
  t.mock.timers.tick(119_000);
  assert.deepEqual(crowd.lastWords(), ["a paused"]);
  t.mock.timers.tick(1000);
  assert.deepEqual(await preheating, { count: 1, done: 0, failed: 1 });
  assert.deepEqual(crowd.lastWords(), ["a paused", "a failed"]);
  assert.deepEqual(crowd.canceled, ["a"]);
});

test("who cancels gets what is done, and the nodes under way are told", async () => {
  const crowd = new Crowd();
  for (const name of ["a", "b", "c", "d"]) crowd.connect(name);
  const canceling = new AbortController();
  const preheating = crowd.preheat(canceling.signal);
  await settle();
  crowd.finish("a");
  await settle();
  canceling.abort();
  assert.deepEqual(await preheating, { count: 4, done: 1, failed: 0 });
  assert.deepEqual(crowd.canceled.sort(), ["b", "c"]);
  assert.deepEqual(crowd.lastWords().sort(), ["a done", "b canceled", "c canceled"]);
});
