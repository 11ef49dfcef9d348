import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { testFolder } from "../../../core/testing/test-folder.ts";
import { codesOf, openPushBench } from "../push-bench.test-support.ts";

const token = "a-token-of-this-test";

test("only those push who have a token, as a password or by itself", async (t) => {
  const tokenFile = join(testFolder(t), "tokens");
  await writeFile(tokenFile, `# who pushes\nanother-token-of-it\n${token}\n`);
  const bench = await openPushBench(t, { push: { open: false, tokenFile } });
  const ask = async (authorization?: string, path = "") =>
    bench.send(path, { headers: authorization === undefined ? {} : { authorization } });
  const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;
  for (const refused of [
    undefined,
    "",
    "Bearer",
    "Bearer a-token-of-this-tes",
    `Bearer ${token}x`,
    "Bearer # who pushes",
    token,
    basic(token),
    basic(`${token}:`),
    basic(`someone:${token} `),
    `Basic ${"A".repeat(10_000)}`,
  ]) {
    const answer = await ask(refused);
    assert.equal(answer.status, 401, refused);
    assert.equal(answer.headers.get("www-authenticate"), 'Basic realm="shoal"');
    assert.equal(await codesOf(answer), "UNAUTHORIZED");
  }
  for (const path of ["pond/fish/blobs/uploads/", "pond/fish/manifests/1", "_catalog", "x"]) {
    assert.equal((await ask(undefined, path)).status, 401);
  }
  assert.equal((await fetch(`${bench.url}/v1/pushes/x`, { method: "DELETE" })).status, 401);
  for (const accepted of [`Bearer ${token}`, `bearer  ${token}`, basic(`someone:${token}`)]) {
    assert.equal((await ask(accepted)).status, 200);
  }
  await writeFile(tokenFile, "another-token-of-it\n");
  assert.equal((await ask(`Bearer ${token}`)).status, 401);
  await rm(tokenFile);
  assert.equal((await ask(`Bearer ${token}`)).status, 503);
  assert.ok(!JSON.stringify(bench.logger.lines).includes(token));
});

test("a seeder does not start that nobody, or unasked everybody, could push to", async (t) => {
  const tokenFile = join(testFolder(t), "tokens");
  for (const push of [
    { open: false },
    { open: true, tokenFile },
    { open: false, tokenFile },
    { registry: undefined },
    { registry: "elsewhere.example" },
  ]) {
    const config = { otherRegistries: false };
    await assert.rejects(openPushBench(t, { push, config }), JSON.stringify(push));
  }
  await writeFile(tokenFile, "short\n# a comment that is long enough\n");
  await assert.rejects(openPushBench(t, { push: { open: false, tokenFile } }), /no token/);
});

test("a seeder that takes no pushes is no registry", async (t) => {
  const bench = await openPushBench(t, { push: { enabled: false, open: false } });
  assert.equal((await bench.send("")).status, 404);
  assert.equal((await bench.pushBlob(Buffer.from("x"))).status, 404);
  assert.equal((await fetch(`${bench.url}/v1/pushes/x`, { method: "DELETE" })).status, 401);
});
