import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { inspect } from "node:util";
import { test } from "node:test";

import type { Fault } from "../core/testing/fake-registry.ts";
import { testFolder } from "../core/testing/test-folder.ts";
import { bytesOf, openRegistry, openTestSeeder } from "./open-test-seeder.test-support.ts";

const password = "s3cret-w0rd";
const auth = Buffer.from(`fisher:${password}`).toString("base64");
const name = "pond/fish:latest";

test("no password, token or signed URL is told or logged, however a registry fails", async (t) => {
  const registry = await openRegistry(t);
  const host = registry.host;
  const credentialsFile = join(testFolder(t), "config.json");
  await writeFile(credentialsFile, JSON.stringify({ auths: { [host]: { auth } } }));
  const config = { credentialsFile };
  const { preheat, logger, url } = await openTestSeeder(t, { registry, config });
  registry.login = { scheme: "bearer", authorization: `Basic ${auth}` };
  const told: string[] = [];
  const answerWith =
    (status: number, headers: Record<string, string> = {}): Fault =>
    ({ url: path = "" }, response) =>
      path.includes("/blobs/") && response.writeHead(status, headers).end().headersSent;
  for (const fault of [
    answerWith(200),
    answerWith(206, { "content-range": "bytes 0-1/2" }),
    answerWith(307, { location: "http://127.0.0.1:1/store?signature=s1gned" }),
    answerWith(307, { location: "http://user:s1gned@127.0.0.1:1/" }),
    answerWith(307, { location: "nonsense://s1gned" }),
    answerWith(401, { "www-authenticate": `Bearer realm="http://s1gned@${host}/token?x=s1gned"` }),
    answerWith(403),
    answerWith(500),
  ]) {
    registry.addImage([bytesOf(1000, String(told.length))], name);
    registry.fault = fault;
    const { end, blobs } = await preheat();
    assert.equal(end.ok, false);
    told.push(JSON.stringify([end, ...blobs.values()]));
  }
  told.push(await (await fetch(`${url}/v1/status`)).text());
  const everything = told.join("\n") + inspect(logger.lines, { depth: 20 });
  assert.ok(registry.tokens.length > 0);
  for (const secret of [password, auth, "s1gned", ...registry.tokens]) {
    assert.ok(!everything.includes(secret), secret);
  }
});
