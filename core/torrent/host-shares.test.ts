import assert from "node:assert/strict";
import { test } from "node:test";

import { BufferPool } from "./buffer-pool.ts";
import { HostShares } from "./host-shares.ts";

test("HostShares gives one host half of a pool, and others their part of the rest", () => {
  const pool = new BufferPool(80);
  const shares = new HostShares(pool);
  const taken = (host: string) => {
    const buffers: Buffer[] = [];
    for (let buffer = shares.of(host).take(1); buffer; buffer = shares.of(host).take(1)) {
      buffers.push(buffer);
    }
    return buffers;
  };
  const first = taken("10.0.0.1");
  assert.equal(first.length, 40);
  assert.equal(taken("::ffff:10.0.0.1").length, 0);
  assert.equal(taken("10.0.0.2").length, 20);
  assert.equal(taken("10.0.0.3").length, 10);
  for (const buffer of first) shares.of("10.0.0.1").giveBack(buffer);
  assert.equal(pool.bytesUsed, 30);
  assert.equal(taken("10.0.0.4").length, 25);
});

test("HostShares gives a host one buffer where there is room at all", () => {
  const shares = new HostShares(new BufferPool(1));
  const buffer = shares.of("10.0.0.1").take(5);
  assert.ok(buffer);
  assert.equal(shares.of("10.0.0.2").take(5), undefined);
  shares.of("10.0.0.1").giveBack(buffer);
  assert.ok(shares.of("10.0.0.2").take(5));
});
