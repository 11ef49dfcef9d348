import assert from "node:assert/strict";
import { test } from "node:test";

import type { z } from "zod";

import {
  absolutePath,
  advertisedHost,
  byteCount,
  count,
  httpUrl,
  listenAddress,
  milliseconds,
  trackerUrl,
} from "./fields.ts";

function messageOf(field: z.ZodType, value: unknown): string {
  const result = field.safeParse(value);
  return result.success
    ? assert.fail(`${JSON.stringify(value)} was accepted`)
    : (result.error.issues[0]?.message ?? "");
}

test("byteCount() takes whole numbers and numbers with a unit", () => {
  const good = { "50GiB": 50 * 2 ** 30, "1.5 TB": 1.5e12, "0B": 0, "7kB": 7000, "1KiB": 1024 };
  for (const [text, bytes] of Object.entries(good)) assert.equal(byteCount().parse(text), bytes);
  assert.equal(byteCount().parse(77), 77);
});

test("byteCount() refuses other units, fractions of bytes, and what is out of bounds", () => {
  for (const text of ["50", "50G", "50gib", "-1GiB", "0.3B", "1e9GiB", "", "9999999TiB", "GiB"]) {
    assert.match(messageOf(byteCount(), text), /want a whole number of bytes or one with a unit/);
  }
  assert.match(messageOf(byteCount(), 1.5), /^is 1.5, want a whole number of bytes/);
  assert.match(messageOf(byteCount(), true), /^is true, want a whole number of bytes/);
  assert.equal(messageOf(byteCount({ min: 10, max: 20 }), 21), "is 21 bytes, want 10 to 20");
});

test("milliseconds() refuses units in the value and tells the number to write", () => {
  assert.equal(milliseconds().parse(5000), 5000);
  assert.match(messageOf(milliseconds(), "5s"), /^is "5s", want .* without a unit: 5000$/);
  assert.match(messageOf(milliseconds(), "1.5 h"), /: 5400000$/);
  assert.match(messageOf(milliseconds(), "soon"), /without a unit$/);
  assert.match(messageOf(milliseconds(), 0.5), /whole number/);
  assert.match(messageOf(milliseconds(), undefined), /^is missing/);
});

test("count() keeps within its bounds", () => {
  assert.equal(count({ min: 1, max: 3 }).parse(3), 3);
  assert.equal(count().safeParse(-1).success, false);
  assert.equal(count({ max: 3 }).safeParse(4).success, false);
});

test("listenAddress() takes host:port, IPv6 in brackets, and port 0", () => {
  assert.deepEqual(listenAddress().parse("0.0.0.0:6969"), { host: "0.0.0.0", port: 6969 });
  assert.deepEqual(listenAddress().parse("[::1]:0"), { host: "::1", port: 0 });
});

test("listenAddress() gives equal addresses one form, and leaves zones as they are", () => {
  const forms = {
    "[0:0:0:0:0:0:0:0]:1": "::",
    "[FD00::0:1]:1": "fd00::1",
    "[::ffff:10.0.0.1]:1": "10.0.0.1",
    "[fe80::1%Wlan0]:1": "fe80::1%Wlan0",
  };
  for (const [text, host] of Object.entries(forms)) {
    assert.deepEqual(listenAddress().parse(text), { host, port: 1 });
  }
});

test("advertisedHost() takes names and addresses, IPv6 with or without brackets", () => {
  const forms = {
    "seeder-1.example": "seeder-1.example",
    shoal_seeder: "shoal_seeder",
    "seeder.ns.svc.cluster.local.": "seeder.ns.svc.cluster.local.",
    "10.0.0.1": "10.0.0.1",
    "fd00::1": "fd00::1",
    "[FD00::0:1]": "fd00::1",
  };
  for (const [text, host] of Object.entries(forms)) {
    assert.equal(advertisedHost().parse(text), host);
  }
});

test("advertisedHost() refuses ports, zones and what is neither name nor address", () => {
  for (const text of ["", "a:80", "[::1]:80", "fe80::1%eth0", "[dead]", "http://a", "a/b", "-a"]) {
    assert.match(messageOf(advertisedHost(), text), /want a name or an address/);
  }
});

test("listenAddress() refuses what has no host or no possible port", () => {
  for (const text of [
    ":80",
    "80",
    "host",
    "::1:80",
    "a:65536",
    "a:-1",
    "http://a:1",
    "a:1/x",
    "[dead]:80",
    "[1.2.3.4]:80",
    "[:::::]:80",
    "",
  ]) {
    assert.match(messageOf(listenAddress(), text), /want host:port/);
  }
});

test("absolutePath() takes paths from the root and tidies them", () => {
  assert.equal(absolutePath().parse("/var//lib/../run/"), "/var/run");
  assert.equal(absolutePath().parse("/"), "/");
  for (const text of ["var", "./x", "", "~/x", "/a\0b"]) {
    assert.match(messageOf(absolutePath(), text), /want a path that starts with "\/"/);
  }
});

test("httpUrl() takes addresses of services, without the slash at the end", () => {
  assert.equal(httpUrl().parse("http://seeder:7072/"), "http://seeder:7072");
  assert.equal(httpUrl().parse("https://h/base/"), "https://h/base");
  assert.equal(trackerUrl().parse("udp://t:6969"), "udp://t:6969");
});

test("httpUrl() refuses other schemes, credentials and queries, and shows no password", () => {
  for (const text of [
    "udp://t:1",
    "seeder:7072",
    "http://",
    "http://u:sesame@h:1",
    "http://h/?t=sesame",
    "h",
    "http://u:sesame@[h",
  ]) {
    const message = messageOf(httpUrl(), text);
    assert.match(message, /want http:\/\/ or https:\/\//);
    assert.doesNotMatch(message, /sesame/);
  }
});
