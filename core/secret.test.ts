import assert from "node:assert/strict";
import { test } from "node:test";

import { isSecretName, withoutSecrets } from "./secret.ts";

test("isSecretName() knows the usual names of credentials, in any case", () => {
  const secret = [
    "authorization",
    "proxyAuthorization",
    "accessToken",
    "PASSWORD",
    "client_secret",
  ];
  for (const name of secret) assert.equal(isSecretName(name), true, name);
  for (const name of ["digest", "ref", "peer", "path", "author", "code"]) {
    assert.equal(isSecretName(name), false, name);
  }
});

test("withoutSecrets() takes user info, queries and fragments out of URLs", () => {
  assert.equal(
    withoutSecrets("GET https://me:pw@host:5000/v2/a?sig=abc&x=1 failed, http://b/#f"),
    "GET https://[hidden]@host:5000/v2/a?[hidden] failed, http://b/#[hidden]",
  );
});

test("withoutSecrets() hides user info that holds an @ itself", () => {
  assert.equal(withoutSecrets("https://me@corp:p@w@host/a"), "https://[hidden]@host/a");
});

test("withoutSecrets() leaves other text and plain URLs alone", () => {
  for (const text of ["why? because", "sha256:ab", "http://host/v2/", "a@b.c", ""]) {
    assert.equal(withoutSecrets(text), text);
  }
});
