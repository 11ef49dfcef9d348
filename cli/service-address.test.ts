import assert from "node:assert/strict";
import { test } from "node:test";

import { withoutIpv6 } from "../core/testing/without-ipv6.ts";
import { adminUrlOf } from "./service-address.ts";

function urlAt(listen: string): Promise<string> {
  const text = JSON.stringify({ service: "content-proxy", admin: { listen } });
  return adminUrlOf({ text, file: "test.yaml", environment: {} });
}

test("a service that listens on all addresses is asked at this machine's own", async () => {
  const own = withoutIpv6 === false ? "[::1]" : "127.0.0.1";
  assert.equal(await urlAt("[::]:7081"), `http://${own}:7081`);
  assert.equal(await urlAt("[0:0::0]:7081"), `http://${own}:7081`);
  assert.equal(await urlAt("0.0.0.0:7081"), "http://127.0.0.1:7081");
});

test("a service that listens on one address is asked there", async () => {
  assert.equal(await urlAt("[fd00::1]:7081"), "http://[fd00::1]:7081");
  assert.equal(await urlAt("10.0.0.1:7081"), "http://10.0.0.1:7081");
});
