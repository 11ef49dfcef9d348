import assert from "node:assert/strict";
import { test } from "node:test";

import { loadConfig } from "./load-config.ts";
import { z } from "zod";
import { placeOf, topologySchema } from "./topology-schema.ts";

const schema = z.strictObject({ topology: topologySchema.prefault({}) });

function placeIn(text: string, environment: Record<string, string> = {}) {
  return placeOf(loadConfig(text, "a.yaml", schema, { environment }).topology);
}

test("a host is where its configuration says, or nowhere", () => {
  assert.equal(placeIn(""), undefined);
  assert.deepEqual(placeIn("topology: {region: eu, zone: eu-1}"), {
    ...{ region: "eu", zone: "eu-1", rack: undefined },
  });
  for (const bad of ["a/b", "-", "x".repeat(64), "[]"]) {
    assert.throws(() => placeIn(`topology: {zone: ${JSON.stringify(bad)}}`), /topology\.zone/);
  }
});

test("a name that YAML has for a number is to be in quotes, for it would be another one", () => {
  for (const name of ["1.10", "010", "1"]) {
    assert.throws(() => placeIn(`topology: {zone: ${name}}`), /topology\.zone.*put it in quotes/);
    assert.equal(placeIn(`topology: {zone: "${name}"}`)?.zone, name);
  }
});

test("a variable's name is taken as it is written", () => {
  for (const name of ["1.10", "010", "1", "0x1f", "true"]) {
    assert.equal(placeIn("", { SHOAL_TOPOLOGY__ZONE: name })?.zone, name);
  }
  assert.throws(() => placeIn("", { SHOAL_TOPOLOGY__ZONE: "-1" }), /SHOAL_TOPOLOGY__ZONE/);
});

test("variables tell where a host is, also those that Kubernetes leaves empty", () => {
  const environment = {
    SHOAL_TOPOLOGY__REGION: "westeurope",
    SHOAL_TOPOLOGY__ZONE: "1",
    SHOAL_TOPOLOGY__RACK: "",
  };
  assert.deepEqual(placeIn("topology: {zone: elsewhere}", environment), {
    ...{ region: "westeurope", zone: "1", rack: undefined },
  });
});
