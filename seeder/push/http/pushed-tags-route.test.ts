import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";

import { UnavailableError } from "../../../core/errors.ts";
import type { TagCursor } from "../../../core/ports/content-discovery.ts";
import { cleanUpOf } from "../../../core/testing/clean-up.ts";
import { pushedTagsRoute } from "./pushed-tags-route.ts";

type Page = { readonly tags: readonly string[]; readonly next?: TagCursor };

/** The route for a registry that gives those pages, and tags that it does not know. */
async function open(
  t: TestContext,
  { page, pushed = [] }: { page: (cursor: TagCursor) => Page; pushed?: readonly string[] },
) {
  const asked: TagCursor[] = [];
  const discovery = {
    tags: async ({ last }: TagCursor) => {
      asked.push({ last });
      const { tags, next } = page({ last });
      return { tags, next };
    },
  };
  const deps = { discovery, queue: { tagsOf: () => [...pushed] } };
  const place = { registry: "r.example", repository: "pond/fish" };
  const server = createServer((request, response) => {
    const query = new URL(request.url ?? "", "http://a").searchParams;
    void pushedTagsRoute({ request, response, query, ...place, signal: t.signal }, deps);
  }).listen(0, "127.0.0.1");
  cleanUpOf(t).defer(() => server.close());
  await once(server, "listening");
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const get = async (path = "/") => {
    const answer = await fetch(`${base}${path}`, { headers: { connection: "close" } });
    const { tags } = (await answer.json()) as { tags: string[] };
    const link = /<([^>]*)>/.exec(answer.headers.get("link") ?? "")?.[1];
    return { tags, link };
  };
  return { asked, get };
}

test("a registry that sends us round in circles is left", async (t) => {
  const { asked, get } = await open(t, { page: () => ({ tags: ["a", "b"], next: { last: "b" } }) });
  assert.deepEqual(await get(), { tags: ["a", "b"], link: undefined });
  assert.equal(asked.length, 2);
});

test("a registry that gives a tag at a time is asked so often, and the client for the rest later", async (t) => {
  const nameOf = (index: number) => String(index).padStart(3, "0");
  const page = ({ last = "000" }: TagCursor): Page => {
    const tag = nameOf(Number(last) + 1);
    return { tags: [tag], ...(tag !== "030" && { next: { last: tag } }) };
  };
  const { asked, get } = await open(t, { page, pushed: ["0105", "0255"] });
  const first = await get();
  assert.equal(asked.length, 20);
  assert.deepEqual([first.tags.length, first.tags.at(-1)], [21, "020"]);
  assert.ok(first.link);
  const second = await get(first.link);
  assert.deepEqual([second.tags.length, second.tags[0]], [11, "021"]);
  assert.ok(second.tags.includes("0255"));
  assert.equal(second.link, undefined);
});

test("a registry that fails in the middle has what it gave told, and is asked for the rest later", async (t) => {
  let isDown = true;
  const page = ({ last = "" }: TagCursor): Page => {
    if (last === "") return { tags: ["a", "b"], next: { last: "b" } };
    if (isDown) throw new UnavailableError("it takes too long");
    return { tags: ["c"] };
  };
  const { get } = await open(t, { page, pushed: ["aa", "d"] });
  const first = await get();
  assert.deepEqual(first.tags, ["a", "aa", "b"]);
  assert.ok(first.link);
  isDown = false;
  assert.deepEqual(await get(first.link), { tags: ["c", "d"], link: undefined });
});

test("a registry is asked for no more pages than the client wants tags of", async (t) => {
  const page = ({ last = "0" }: TagCursor): Page => {
    const tag = String(Number(last) + 1);
    return { tags: [tag], ...(tag !== "9" && { next: { last: tag } }) };
  };
  const { asked, get } = await open(t, { page });
  const { tags, link } = await get("/?n=2");
  assert.deepEqual(tags, ["1", "2"]);
  assert.equal(link, "/v2/pond/fish/tags/list?n=2&last=2");
  // One more tells whether there are others.
  assert.equal(asked.length, 3);
});
