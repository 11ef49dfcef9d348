import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { type TestContext, test } from "node:test";

import { lines } from "../../core/http/lines.ts";
import { type NodeTaskMessage, parseNodeTaskMessage } from "../../core/node-task.ts";
import type { ServiceStatus } from "../../core/service-status.ts";
import { cleanUpOf } from "../../core/testing/clean-up.ts";
import { bytesOf, openTestSeeder } from "../open-test-seeder.test-support.ts";

const name = "pond/fish:latest";
const hello = {
  ...{ name: "node-1", instance: randomUUID(), labels: { zone: "a" } },
  platform: { os: "linux", architecture: "amd64" },
};

/** A node that waits for tasks of a seeder. */
async function connect(t: TestContext, url: string, changes: object = {}) {
  const leaving = new AbortController();
  cleanUpOf(t).defer(() => leaving.abort());
  const response = await fetch(`${url}/v1/node-tasks`, {
    ...{ method: "POST", body: JSON.stringify({ ...hello, ...changes }), signal: leaving.signal },
  });
  assert.equal(response.status, 200);
  const iterator = lines((response.body ?? []) as AsyncIterable<Uint8Array>);
  const next = async (): Promise<NodeTaskMessage | undefined> => {
    const { value, done } = await iterator.next();
    return done === true ? undefined : parseNodeTaskMessage(value);
  };
  assert.deepEqual(await next(), { task: "none" });
  return { next, leave: () => leaving.abort() };
}

async function statusOf(url: string): Promise<ServiceStatus> {
  return (await (await fetch(`${url}/v1/status`)).json()) as ServiceStatus;
}

async function report(url: string, id: string, body: object): Promise<number> {
  const path = `${url}/v1/node-tasks/${id}/results`;
  return (await fetch(path, { method: "POST", body: JSON.stringify(body) })).status;
}

test("a node that waits is given the image when the seeder has it, and its result is told", async (t) => {
  const { registry, preheat, url } = await openTestSeeder(t);
  const { manifest } = registry.addImage([bytesOf(1000, "layer")], name);
  const node = await connect(t, url);
  assert.deepEqual((await statusOf(url)).nodes, { connected: 1, connectedMax: 20_000 });
  const preheating = preheat({ scope: "nodes", nodes: { labels: { zone: "a" } } });
  const task = await node.next();
  assert.ok(task?.task === "preheat");
  assert.equal(task.top.digest, manifest.digest);
  assert.equal(task.platforms, "all");
  const [running] = (await statusOf(url)).preheats ?? [];
  assert.deepEqual(running?.nodes, { count: 1, done: 0, failed: 0 });
  assert.equal(await report(url, task.id, { state: "fetching", bytes: 1, size: 2 }), 204);
  assert.equal(await report(url, task.id, { state: "done", bytes: 2, size: 2 }), 204);
  const { end } = await preheating;
  assert.deepEqual([end.ok, end.nodes], [true, { count: 1, done: 1, failed: 0 }]);
  assert.equal(await report(url, task.id, { state: "done", bytes: 2, size: 2 }), 404);
});

test("a node that goes away fails the preheat, which names it", async (t) => {
  const { registry, preheat, url } = await openTestSeeder(t);
  registry.addImage([bytesOf(1000, "layer")], name);
  const node = await connect(t, url);
  const preheating = preheat({ scope: "nodes" });
  assert.equal((await node.next())?.task, "preheat");
  node.leave();
  const { end } = await preheating;
  assert.deepEqual([end.ok, end.error], [false, "Cannot preheat 1 of 1 nodes"]);
});

test("a preheat for nodes that are not there is refused, and nothing is fetched", async (t) => {
  const { registry, url } = await openTestSeeder(t);
  registry.addImage([bytesOf(1000, "layer")], name);
  await connect(t, url);
  const nodes = { labels: { zone: "b" } };
  const body = JSON.stringify({ image: `${registry.host}/${name}`, scope: "nodes", nodes });
  const response = await fetch(`${url}/v1/preheat`, { method: "POST", body });
  assert.equal(response.status, 412);
  assert.deepEqual(registry.requests, []);
});

test("a preheat is canceled by its id, and the node told to stop", async (t) => {
  const { registry, preheat, url } = await openTestSeeder(t);
  registry.addImage([bytesOf(1000, "layer")], name);
  const node = await connect(t, url);
  const preheating = preheat({ scope: "nodes" });
  const task = await node.next();
  assert.ok(task?.task === "preheat");
  const [running] = (await statusOf(url)).preheats ?? [];
  const cancel = async () =>
    (await fetch(`${url}/v1/preheats/${running?.id ?? ""}`, { method: "DELETE" })).status;
  assert.equal(await cancel(), 204);
  assert.deepEqual(await node.next(), { task: "cancel", id: task.id });
  const { end } = await preheating;
  assert.deepEqual([end.ok, end.error], [false, "canceled"]);
  assert.equal(await cancel(), 404);
});

test("requests of nodes that are malformed or too many are refused", async (t) => {
  const { url } = await openTestSeeder(t, { config: { preheat: { nodesMax: 1 } } });
  const statusFor = async (path: string, init: RequestInit) =>
    (await fetch(`${url}${path}`, init)).status;
  const post = async (path: string, body: string) => statusFor(path, { method: "POST", body });
  for (const body of ["", "{", "null", "[]", "{}", "x".repeat(40_000)]) {
    assert.equal(await post("/v1/node-tasks", body), 400, body.slice(0, 10));
  }
  const path = `/v1/node-tasks/${randomUUID()}/results`;
  assert.equal(await post(path, '{"state": "well"}'), 400);
  assert.equal(await post(path, `"${"x".repeat(10_000)}"`), 400);
  assert.equal(await post(path, '{"state": "done", "bytes": 0, "size": 0}'), 404);
  assert.equal(await statusFor("/v1/node-tasks", {}), 405);
  assert.equal(await statusFor(path, {}), 405);
  assert.equal(await statusFor("/v1/preheats/x", {}), 405);
  await connect(t, url);
  assert.equal(await post("/v1/node-tasks", JSON.stringify({ ...hello, name: "node-2" })), 503);
});

test("a seeder that stops sends its nodes away at once", async (t) => {
  const { seeder, url } = await openTestSeeder(t);
  const node = await connect(t, url);
  const stopped = seeder[Symbol.asyncDispose]();
  assert.equal(await node.next(), undefined);
  await stopped;
});

test("notifications are answered before anything is fetched, and then fetched", async (t) => {
  const notifications = { enabled: true, secret: "sixteen characters" };
  const { registry, url } = await openTestSeeder(t, { config: { notifications } });
  const { manifest, layers } = registry.addImage([bytesOf(1000, "layer")], name);
  const body = JSON.stringify({ images: [`${registry.host}/${name}`] });
  const notify = async (form: string, init: RequestInit) =>
    fetch(`${url}/v1/notifications/${form}`, { method: "POST", ...init });
  const headers = { authorization: "sixteen characters" };
  const released = Promise.withResolvers<undefined>();
  registry.fault = ({ url: path = "" }, response) => {
    if (!path.endsWith(manifest.digest) || response.headersSent) return false;
    void released.promise.then(() => response.destroy());
    return true;
  };
  const answer = await notify("images", { body, headers });
  assert.equal(answer.status, 202);
  assert.deepEqual(await answer.json(), { accepted: 1, ignored: 0 });
  registry.fault = () => false;
  released.resolve(undefined);
  const layer = `${url}/v1/metainfo/${layers[0]?.digest ?? ""}`;
  while (!(await fetch(layer)).ok) await new Promise((resolve) => setImmediate(resolve));
});

test("notifications that are malformed are refused in the words of the distribution API", async (t) => {
  const notifications = { enabled: true, secret: "sixteen characters" };
  const { url } = await openTestSeeder(t, { config: { notifications } });
  const headers = { authorization: "sixteen characters" };
  const refusalOf = async (form: string, init: RequestInit) => {
    const answer = await fetch(`${url}/v1/notifications/${form}`, { method: "POST", ...init });
    const { errors } = (await answer.json()) as { errors: Record<string, unknown>[] };
    const [error] = errors;
    assert.deepEqual(Object.keys(error ?? {}), ["code", "message", "detail"]);
    return [answer.status, error?.["code"]];
  };
  for (const body of ["{", "{}", "[]", "null", '{"images": [7]}', Buffer.from([0xff, 0xfe])]) {
    assert.deepEqual(await refusalOf("images", { body, headers }), [400, "UNKNOWN"], String(body));
  }
  assert.deepEqual(await refusalOf("distribution", { body: "{", headers }), [400, "UNKNOWN"]);
  assert.deepEqual(await refusalOf("harbor", { body: "{", headers }), [400, "UNKNOWN"]);
  const body = JSON.stringify({ images: ["quay.example/pond/fish:1"] });
  assert.deepEqual(await refusalOf("elsewhere", { body, headers }), [404, "UNSUPPORTED"]);
  assert.deepEqual(await refusalOf("images", { body }), [401, "UNAUTHORIZED"]);
  const wrong = { authorization: "Bearer sixteen characterz" };
  assert.deepEqual(await refusalOf("images", { body, headers: wrong }), [401, "UNAUTHORIZED"]);
  const long = "x".repeat(5_000_000);
  assert.deepEqual(await refusalOf("images", { body: long, headers }), [413, "SIZE_INVALID"]);
  const get = { method: "GET", headers };
  assert.deepEqual(await refusalOf("images", get), [405, "UNSUPPORTED"]);
});

test("a seeder whose configuration does not say so takes no notifications", async (t) => {
  const { url } = await openTestSeeder(t);
  const response = await fetch(`${url}/v1/notifications/images`, { method: "POST", body: "{}" });
  assert.equal(response.status, 404);
});
