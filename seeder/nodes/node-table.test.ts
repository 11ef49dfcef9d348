import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";

import { parseDigest } from "../../core/digest.ts";
import { FailedPreconditionError, UnavailableError } from "../../core/errors.ts";
import { parseImageReference } from "../../core/image-reference.ts";
import { mediaTypes } from "../../core/media-type.ts";
import type { NodeLabels } from "../../core/node-hello.ts";
import type { NodeTaskMessage } from "../../core/node-task.ts";
import type { NodeTaskReport } from "../../core/node-task-report.ts";
import { NodeTable } from "./node-table.ts";

const platform = { os: "linux", architecture: "amd64" };
const content = {
  image: parseImageReference("registry.example/app:1"),
  top: { mediaType: mediaTypes.ociIndex, digest: parseDigest(`sha256:${"a".repeat(64)}`), size: 9 },
  platforms: [platform],
};
const all = { labels: {}, percent: 100 };

function connect(
  table: NodeTable,
  name: string,
  options: { labels?: NodeLabels; instance?: string } = {},
) {
  const sent: NodeTaskMessage[] = [];
  const state = { isClosed: false };
  const { labels = {}, instance = randomUUID() } = options;
  const link = {
    send: (message: NodeTaskMessage) => void sent.push(message),
    close: () => void (state.isClosed = true),
  };
  const connection = table.connect({ name, instance, labels, platform }, link);
  return { sent, state, connection };
}

function namesOf(table: NodeTable, choice: { labels: NodeLabels; percent: number }): string[] {
  return table.choose(choice).map(({ hello }) => hello.name);
}

/** The one node that is connected. */
function onlyOne(table: NodeTable) {
  const [node] = table.choose(all);
  assert.ok(node);
  return node;
}

test("nodes are chosen by all of the labels", () => {
  const table = new NodeTable({ nodesMax: 10 });
  connect(table, "one", { labels: { zone: "a", disk: "ssd" } });
  connect(table, "two", { labels: { zone: "a" } });
  connect(table, "three", { labels: { zone: "b", disk: "ssd" } });
  assert.deepEqual(namesOf(table, { labels: { zone: "a" }, percent: 100 }), ["one", "two"]);
  const both = { zone: "a", disk: "ssd" };
  assert.deepEqual(namesOf(table, { labels: both, percent: 100 }), ["one"]);
  assert.deepEqual(namesOf(table, all), ["one", "two", "three"]);
  for (const labels of [{ zone: "c" }, { toString: "x" }, { zone: "" }] as NodeLabels[]) {
    assert.throws(() => table.choose({ labels, percent: 100 }), FailedPreconditionError);
  }
});

test("a part of the nodes is as large as was asked, and the same whoever connects first", () => {
  const names = Array.from({ length: 200 }, (_, index) => `node-${index}`);
  const [table, other] = [new NodeTable({ nodesMax: 200 }), new NodeTable({ nodesMax: 200 })];
  for (const name of names) connect(table, name);
  for (const name of names.toReversed()) connect(other, name);
  const quarter = namesOf(table, { labels: {}, percent: 25 });
  assert.equal(quarter.length, 50);
  assert.deepEqual(namesOf(other, { labels: {}, percent: 25 }), quarter);
  assert.deepEqual(namesOf(table, { labels: {}, percent: 50 }).slice(0, 50), quarter);
  assert.equal(namesOf(table, { labels: {}, percent: 0.1 }).length, 1);
  // Spread over all of them: neighbours by name are neither all in it nor all out of it.
  const firstHalf = quarter.filter((name) => Number(name.slice(5)) < 100).length;
  assert.ok(firstHalf > 10 && firstHalf < 40, `${firstHalf} of the first half`);
});

test("who chooses among no nodes is told that, and not of labels that nobody asked for", () => {
  const table = new NodeTable({ nodesMax: 1 });
  assert.throws(() => table.choose(all), { message: /^Cannot choose nodes: none is connected/ });
  connect(table, "one");
  assert.throws(() => table.choose({ labels: { zone: "a" }, percent: 100 }), {
    message: "Cannot choose nodes: of 1 that are connected none has the labels",
  });
});

test("no more nodes are taken than may, and none when the seeder stops", () => {
  const table = new NodeTable({ nodesMax: 1 });
  const { connection, state } = connect(table, "one");
  assert.throws(() => connect(table, "two"), UnavailableError);
  connection[Symbol.dispose]();
  assert.equal(table.count, 0);
  assert.equal(state.isClosed, true);
  const two = connect(table, "two");
  table[Symbol.dispose]();
  assert.deepEqual([two.state.isClosed, table.count], [true, 0]);
  assert.throws(() => connect(table, "three"), UnavailableError);
});

test("a node that connects anew takes the place of its dead connection", () => {
  const table = new NodeTable({ nodesMax: 1 });
  const instance = randomUUID();
  const dead = connect(table, "one", { instance });
  const alive = connect(table, "one", { instance });
  assert.deepEqual([dead.state.isClosed, alive.state.isClosed], [true, false]);
  dead.connection[Symbol.dispose]();
  assert.equal(table.count, 1);
  assert.equal(alive.state.isClosed, false);
});

test("nodes of one name are two nodes", () => {
  const table = new NodeTable({ nodesMax: 2 });
  connect(table, "localhost");
  connect(table, "localhost");
  assert.equal(table.choose(all).length, 2);
});

test("reports go to who gave the task, until the last word", () => {
  const table = new NodeTable({ nodesMax: 1 });
  const { sent } = connect(table, "one");
  const reports: NodeTaskReport[] = [];
  const started = table.start(onlyOne(table), content, (report) => void reports.push(report));
  const [message] = sent;
  assert.ok(message?.task === "preheat");
  const fetching = { state: "fetching", bytes: 1, size: 2 } as const;
  assert.equal(table.report(message.id, fetching), true);
  assert.equal(table.report(randomUUID(), { ...fetching, state: "done" }), false);
  assert.equal(table.report(message.id, { ...fetching, state: "done" }), true);
  assert.equal(table.report(message.id, { ...fetching, state: "failed" }), false);
  assert.deepEqual(
    reports.map(({ state }) => state),
    ["fetching", "done"],
  );
  started[Symbol.dispose]();
  assert.equal(sent.length, 1);
});

test("a task that is not wanted any more is canceled at its node", () => {
  const table = new NodeTable({ nodesMax: 1 });
  const { sent } = connect(table, "one");
  const started = table.start(onlyOne(table), content, () => assert.fail("no report"));
  started[Symbol.dispose]();
  const [message, cancel] = sent;
  assert.ok(message?.task === "preheat");
  assert.deepEqual(cancel, { task: "cancel", id: message.id });
  assert.equal(table.report(message.id, { state: "done", bytes: 0, size: 0 }), false);
});

test("the tasks of a node end as failed when its connection does", () => {
  const table = new NodeTable({ nodesMax: 1 });
  const { connection } = connect(table, "one");
  const reports: NodeTaskReport[] = [];
  table.start(onlyOne(table), content, (report) => void reports.push(report));
  connection[Symbol.dispose]();
  assert.deepEqual(
    reports.map(({ state, problem }) => [state, problem]),
    [["failed", "the connection to the node ended"]],
  );
});
