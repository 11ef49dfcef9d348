import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";

import { Credential } from "../../core/credential.ts";
import { InvalidArgumentError, UnavailableError } from "../../core/errors.ts";
import { formatImageReference } from "../../core/image-reference.ts";
import { mediaTypes } from "../../core/media-type.ts";
import { MemoryLogger } from "../../core/testing/memory-logger.ts";
import { parseSeederConfig } from "../config.ts";
import type { PreheatRequest } from "../preheats.ts";
import { Notifications, type NotificationsDeps } from "./notifications.ts";
import { secretCheck } from "./secret-check.ts";

const digest = `sha256:${"a".repeat(64)}`;

/** An event as Docker's registry sends it, with what it says beside. */
const pushed = {
  id: "320678d8-ca14-430f-8bb6-4ca139cd83f7",
  timestamp: "2026-03-09T14:44:26.402973972-08:00",
  action: "push",
  target: {
    mediaType: mediaTypes.ociIndex,
    digest,
    size: 708,
    length: 708,
    repository: "team/app",
    url: `http://10.0.0.5:5000/v2/team/app/manifests/${digest}`,
    tag: "1.0",
  },
  request: { id: "1", addr: "10.0.0.9:3000", host: "10.0.0.5:5000", method: "PUT", useragent: "x" },
  actor: { name: "ci" },
  source: { addr: "a2f6b1c4:5000", instanceID: "i" },
};

/** As Harbor's documentation has it. */
const harbor = {
  type: "PUSH_ARTIFACT",
  occur_at: 1586922308,
  operator: "admin",
  event_data: {
    resources: [
      { digest, tag: "latest", resource_url: "hub.harbor.com/test-webhook/debian:latest" },
    ],
    repository: {
      date_created: 1586922308,
      name: "debian",
      namespace: "test-webhook",
      repo_full_name: "test-webhook/debian",
      repo_type: "private",
    },
  },
};

function open(options: Partial<NotificationsDeps> = {}) {
  const requests: PreheatRequest[] = [];
  const notifications = new Notifications({
    queue: { add: (more) => void requests.push(...more) },
    ...{ logger: new MemoryLogger(), include: ["*"], exclude: [], target: {}, ...options },
  });
  const images = () => requests.map(({ reference }) => formatImageReference(reference));
  return { notifications, requests, images };
}

test("a push to Docker's registry is an image of the host that it names, or of the configured one", () => {
  const { notifications, images } = open();
  assert.deepEqual(notifications.take("distribution", { events: [pushed] }), {
    ...{ accepted: 1, ignored: 0 },
  });
  assert.deepEqual(images(), ["10.0.0.5:5000/team/app:1.0"]);
  const named = open({ registry: "registry.example.com" });
  named.notifications.take("distribution", { events: [pushed] });
  assert.deepEqual(named.images(), ["registry.example.com/team/app:1.0"]);
});

test("layers, pulls and what has no tag of its own are passed over", () => {
  const { notifications, images } = open();
  const { target } = pushed;
  const { tag, ...untagged } = target;
  const layer = { ...target, mediaType: "application/octet-stream" };
  const events = [
    { ...pushed, action: "pull" },
    { ...pushed, action: "delete" },
    { ...pushed, target: untagged },
    { ...pushed, target: { ...target, tag: "" } },
    { ...pushed, target: layer },
    { action: "mount" },
  ];
  assert.equal(tag, "1.0");
  assert.deepEqual(notifications.take("distribution", { events }), { accepted: 0, ignored: 0 });
  assert.deepEqual(images(), []);
});

test("a push to Harbor is the image at its URL", () => {
  const { notifications, images } = open();
  notifications.take("harbor", harbor);
  const [resource] = harbor.event_data.resources;
  const at = (resource_url: string, tag: string) => ({ ...resource, resource_url, tag });
  const resources = [
    at("10.0.0.5:8443/a/b/c:2", "2"),
    at(`hub.harbor.com/a/b@${digest}`, "3"),
    at(`hub.harbor.com/a/b@${digest}`, digest),
  ];
  notifications.take("harbor", { ...harbor, event_data: { resources } });
  notifications.take("harbor", { type: "DELETE_ARTIFACT", event_data: harbor.event_data });
  assert.deepEqual(images(), [
    "hub.harbor.com/test-webhook/debian:latest",
    "10.0.0.5:8443/a/b/c:2",
    "hub.harbor.com/a/b:3",
  ]);
});

test("a list of images is taken as it is, for nodes if that is configured", () => {
  const target = { nodes: { labels: { zone: "a" }, percent: 50 }, platforms: "all" } as const;
  const { notifications, requests, images } = open({ target, registry: "registry.example.com" });
  notifications.take("images", { images: ["r.example/a:1", `r.example/b@${digest}`] });
  assert.deepEqual(images(), ["r.example/a:1", `r.example/b@${digest}`]);
  assert.deepEqual(requests[0]?.nodes, target.nodes);
  assert.equal(requests[0].platforms, "all");
});

test("patterns choose images by their references in full", () => {
  const { notifications, images } = open({
    include: ["r.example/team/*", "*/base:*"],
    exclude: ["*/scratch/*"],
  });
  const all = [
    "r.example/team/a:1",
    "r.example/team/scratch/a:1",
    "b.example/base:2",
    "b.example/x:1",
  ];
  assert.deepEqual(notifications.take("images", { images: all }), { accepted: 2, ignored: 2 });
  assert.deepEqual(images(), ["r.example/team/a:1", "b.example/base:2"]);
});

test("what is malformed is refused, and nothing of it taken", () => {
  const { notifications, images } = open();
  const [resource] = harbor.event_data.resources;
  const eventWith = (changes: object) => ({ events: [pushed, { ...pushed, ...changes }] });
  const resourceWith = (changes: object) => ({
    ...harbor,
    event_data: { resources: [resource, { ...resource, ...changes }] },
  });
  const wrong: [form: string, value: unknown][] = [
    ...["distribution", "harbor", "images", "elsewhere"].flatMap((form) =>
      [undefined, null, 1, "x", [], {}].map((value): [string, unknown] => [form, value]),
    ),
    ["distribution", { events: [null] }],
    ["distribution", { events: Array.from({ length: 1001 }, () => pushed) }],
    ["distribution", eventWith({ action: 1 })],
    ["harbor", resourceWith({ resource_url: "x".repeat(601) })],
    ["images", { images: [] }],
    ["images", { images: ["r.example/a:1", ":"] }],
    ["images", { images: ["r.example/a:1"], more: 1 }],
  ];
  for (const [form, value] of wrong) {
    const call = () => notifications.take(form, value);
    assert.throws(call, InvalidArgumentError, `${form} ${inspect(value).slice(0, 200)}`);
  }
  assert.deepEqual(images(), []);
});

test("an event that names no image is logged and passed over, for a registry would send it for ever", () => {
  const { target, request } = pushed;
  const [resource] = harbor.event_data.resources;
  const events = [
    { target: { ...target, repository: "../etc" } },
    { target: { ...target, tag: "a b" } },
    { request: { ...request, host: "a b" } },
    { request: { ...request, host: "team" } },
    { request: { ...request, host: "my_registry:5000" } },
    { request: {} },
  ];
  for (const changes of events) {
    const logger = new MemoryLogger();
    const { notifications, images } = open({ logger });
    const value = { events: [{ ...pushed, ...changes }, pushed] };
    assert.deepEqual(notifications.take("distribution", value), { accepted: 1, ignored: 1 });
    assert.deepEqual(images(), ["10.0.0.5:5000/team/app:1.0"]);
    const [line] = logger.lines.filter(({ level }) => level === "warn");
    assert.equal(line?.fields["count"], 1, inspect(changes));
  }
  const resources = [
    { resource_url: "debian:latest" },
    { resource_url: "hub.harbor.com/A/b:1" },
    { tag: "a/b" },
  ].map((changes) => ({ ...resource, ...changes }));
  const { notifications } = open();
  const value = { ...harbor, event_data: { resources: [...resources, resource] } };
  assert.deepEqual(notifications.take("harbor", value), { accepted: 1, ignored: 3 });
});

test("what a full queue refuses is refused", () => {
  const full = () => {
    throw new UnavailableError("full");
  };
  const { notifications } = open({ queue: { add: full } });
  assert.throws(() => notifications.take("images", { images: ["a.example/b"] }), UnavailableError);
});

test("secretCheck() takes each secret as it is and as a Bearer token, and no other", () => {
  const check = secretCheck([new Credential("first secret"), new Credential("second secret")]);
  const good = ["first secret", "Bearer first secret", "bearer  second secret"];
  assert.deepEqual(good.map(check), [true, true, true]);
  const bad = [undefined, "", "Bearer", "Bearer ", "first secret ", "Basic first secret", "first"];
  assert.equal(bad.some(check), false);
  assert.equal(secretCheck([])(undefined), true);
});

test("notifications from everybody are taken only where the configuration says so", () => {
  const parse = (notifications: object) =>
    parseSeederConfig(JSON.stringify({ notifications }), "seeder.yaml");
  const [secret, secretFile] = ["sixteen characters", "/run/secret"];
  for (const fine of [{ secret }, { secretFile }, { secret, secretFile }, { open: true }]) {
    assert.equal(parse({ enabled: true, ...fine }).notifications.enabled, true);
  }
  for (const wrong of [{}, { open: false }, { open: true, secret }, { open: true, secretFile }]) {
    assert.throws(() => parse({ enabled: true, ...wrong }), /notifications.*decides who may tell/);
  }
  assert.equal(parse({}).notifications.enabled, false);
});
