import assert from "node:assert/strict";
import { isIP } from "node:net";
import { test } from "node:test";

import { formatIp, ipFamilyOf, parseIp } from "./ip-address.ts";

test("parseIp() and formatIp() give the form that operating systems print", () => {
  const forms = {
    "1.2.3.4": "1.2.3.4",
    "::": "::",
    "::1": "::1",
    "1::": "1::",
    "2001:DB8:0:0:1:0:0:1": "2001:db8::1:0:0:1",
    "2001:db8:0:1:1:1:1:1": "2001:db8:0:1:1:1:1:1",
    "fe80::1.2.3.4": "fe80::102:304",
    "::ffff:10.0.0.1": "10.0.0.1",
    "::ffff:a00:1": "10.0.0.1",
  };
  for (const [text, printed] of Object.entries(forms)) {
    const bytes = parseIp(text);
    assert.ok(bytes, text);
    assert.equal(formatIp(bytes), printed);
    assert.equal(ipFamilyOf(bytes), printed.includes(":") ? 6 : 4);
  }
});

test("formatIp() of any bytes is read back, and agrees with the URL parser", () => {
  // Bytes with many zeros: a linear congruential generator, so that a failure repeats.
  let seed = 7;
  const next = () => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) >> 8;
  for (let round = 0; round < 2000; round++) {
    const bytes = Buffer.from(
      Array.from({ length: 16 }, () => (next() % 3 === 0 ? next() & 0xff : 0)),
    );
    const text = formatIp(bytes);
    assert.equal(new URL(`http://[${text}]`).hostname, `[${text}]`);
    if (!text.startsWith("::ffff:")) assert.deepEqual(parseIp(text), bytes);
  }
});

test("parseIp() knows no more and no less than Node does", () => {
  const texts = ["", "a.b", "1.2.3", "1.2.3.256", "1.2.3.4.5", "example.org", "1:2:3:4:5:6:7"];
  texts.push("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8:9", "::1::", ":::", "1:", ":1", "12345::");
  texts.push("1:2:3:4:5:6:7::", "1:2:3:4:5:6:1.2.3.4", "1.2.3.4::", "::1.2.3.4:5", "g::", "[::1]");
  texts.push("1:2:3:4::5:6:7:8", ":".repeat(100), "1.2.3.4 ", " ::1");
  for (const text of texts) assert.equal(parseIp(text) !== undefined, isIP(text) !== 0, text);
  assert.equal(parseIp("fe80::1%eth0"), undefined);
});
