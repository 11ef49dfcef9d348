import assert from "node:assert/strict";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { inspect } from "node:util";

import { FailedPreconditionError } from "../errors.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
import { testFolder } from "../testing/test-folder.ts";
import { type CredentialSource, DockerCredentials } from "./docker-credentials.ts";

const secret = "s3cret:with:colons";
const auth = Buffer.from(`fisher:${secret}`).toString("base64");
const login = { kind: "password", username: "fisher", password: secret } as const;

async function folderOf(t: TestContext): Promise<string> {
  const folder = testFolder(t, "credentials");
  return folder;
}

async function credentialsOf(t: TestContext, text: string): Promise<CredentialSource> {
  const path = join(await folderOf(t), "config.json");
  await writeFile(path, text);
  return new DockerCredentials(path);
}

/** Puts a credential helper with that script on the PATH. */
async function installHelper(t: TestContext, name: string, script: string): Promise<void> {
  const folder = await folderOf(t);
  const path = join(folder, `docker-credential-${name}`);
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  const before = process.env["PATH"];
  process.env["PATH"] = `${folder}:${before}`;
  cleanUpOf(t).defer(() => (process.env["PATH"] = before));
}

test("find() reads the forms of an entry", async (t) => {
  const auths = {
    "one.example": { auth },
    "https://two.example:5000/v2/": { username: "fisher", password: secret },
    "three.example/v1": { identitytoken: "refresh", auth },
    "four.example/only/this/path": { auth },
    "five.example": {},
    "https://index.docker.io/v1/": { auth },
  };
  const credentials = await credentialsOf(t, JSON.stringify({ auths, unknownKey: 1 }));
  const find = (registry: string) => credentials.find(registry, t);
  assert.deepEqual(await find("one.example"), login);
  assert.deepEqual(await find("two.example:5000"), login);
  assert.deepEqual(await find("three.example"), {
    kind: "identityToken",
    identityToken: "refresh",
  });
  assert.equal(await find("four.example"), undefined);
  assert.equal(await find("five.example"), undefined);
  assert.equal(await find("six.example"), undefined);
  assert.deepEqual(await find("docker.io"), login);
});

test("find() asks the helper of a registry, or the store of all", async (t) => {
  await installHelper(
    t,
    "pond",
    `read server; echo "{\\"Username\\":\\"fisher\\",\\"Secret\\":\\"of $server\\"}"`,
  );
  await installHelper(t, "lake", `echo '{"Username":"<token>","Secret":"refresh"}'`);
  const credentials = await credentialsOf(
    t,
    JSON.stringify({ credsStore: "lake", credHelpers: { "docker.io": "pond" }, auths: {} }),
  );
  assert.deepEqual(await credentials.find("docker.io", t), {
    ...login,
    password: "of https://index.docker.io/v1/",
  });
  assert.deepEqual(await credentials.find("other.example", t), {
    kind: "identityToken",
    identityToken: "refresh",
  });
});

test("find() goes on without a helper that is missing, fails, or talks nonsense", async (t) => {
  await installHelper(t, "fails", "exit 1");
  await installHelper(t, "babbles", "yes | head -c 1000000");
  const credHelpers = {
    "a.example": "missing",
    "b.example": "fails",
    "c.example": "babbles",
    "d.example": "../../bin/sh",
  };
  const credentials = await credentialsOf(t, JSON.stringify({ credHelpers }));
  for (const registry of Object.keys(credHelpers)) {
    assert.equal(await credentials.find(registry, t), undefined);
  }
});

test("find() ends a helper that hangs when its caller has no more time", async (t) => {
  await installHelper(t, "hangs", "exec sleep 60");
  const credentials = await credentialsOf(t, JSON.stringify({ credsStore: "hangs" }));
  const aborting = new AbortController();
  const found = credentials.find("a.example", { signal: aborting.signal });
  setImmediate(() => aborting.abort());
  await assert.rejects(found, { name: "AbortError" });
});

test("find() tells of a file that cannot be used, and nothing of what is in it", async (t) => {
  for (const text of ["", "{", secret, `{"auths": "${secret}"}`, `["${secret}`]) {
    const credentials = await credentialsOf(t, text);
    await assert.rejects(credentials.find("a.example", t), (error: Error) => {
      assert.ok(error instanceof FailedPreconditionError);
      assert.doesNotMatch(inspect(error), /s3cret/);
      return true;
    });
  }
  const missing = new DockerCredentials("/nonexistent/config.json");
  await assert.rejects(missing.find("a.example", t), /ENOENT/);
});
