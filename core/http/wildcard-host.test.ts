import assert from "node:assert/strict";
import { test } from "node:test";

import { listenOn } from "./wildcard-host.ts";

function failure(code: string): Error {
  return Object.assign(new Error(code), { code });
}

test("listenOn() takes all addresses of IPv4 where there is no IPv6", async () => {
  for (const code of ["EAFNOSUPPORT", "EADDRNOTAVAIL"]) {
    const tried: string[] = [];
    const listen = async (host: string) => {
      tried.push(host);
      if (host === "::") throw failure(code);
      return host;
    };
    assert.equal(await listenOn("::", listen), "0.0.0.0");
    assert.deepEqual(tried, ["::", "0.0.0.0"]);
  }
});

test("listenOn() takes no other address than one that was named, or whose port is taken", async () => {
  const fail = (code: string) => async () => Promise.reject(failure(code));
  await assert.rejects(listenOn("::1", fail("EADDRNOTAVAIL")), /EADDRNOTAVAIL/);
  await assert.rejects(listenOn("::", fail("EADDRINUSE")), /EADDRINUSE/);
});
