import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { test } from "node:test";

import { parse } from "yaml";
import { z } from "zod";

import { parseContainerdConfig } from "../cli/containerd/containerd-config.ts";
import { newContainerdConfig } from "../cli/containerd/enable-lines.ts";
import { contentProxyConfigSchema, parseContentProxyConfig } from "../content-proxy/config.ts";
import { serviceNames, serviceOfConfig } from "../core/config/service-of-config.ts";
import { parseSeederConfig, seederConfigSchema } from "../seeder/config.ts";
import { parseTrackerConfig, trackerConfigSchema } from "../tracker/config.ts";

const samples = {
  "content-proxy": { schema: contentProxyConfigSchema, parse: parseContentProxyConfig },
  seeder: { schema: seederConfigSchema, parse: parseSeederConfig },
  tracker: { schema: trackerConfigSchema, parse: parseTrackerConfig },
} as const;

for (const [service, sample] of Object.entries(samples)) {
  const file = `${service}.yaml`;

  test(`${file} is loaded, and says what every key is by default`, async () => {
    const text = await readSample(file);
    assert.equal(serviceOfConfig(text, file), service);
    assert.deepEqual(sample.parse(text, file), sample.parse("", "empty.yaml"));
  });

  test(`${file} mentions every key, and its examples are good`, async () => {
    const keys = new Set(pathsOf(sample.schema));
    const text = withExamples(await readSample(file), keys);
    sample.parse(text, file);
    const mentioned = pathsIn(parse(text));
    assert.deepEqual(mentioned.sort(), ["service", ...keys].sort());
  });
}

test("each version of containerd's configuration has a fragment that says what enable says", async () => {
  for (const version of [2, 3, 4]) {
    const options = { socket: "/run/shoal/content.sock", criPulls: version === 2 };
    const sample = await readSample(`containerd/config-version-${version}.toml`);
    const wanted = newContainerdConfig({ ...options, configVersionMax: version });
    assert.deepEqual(keysOf(sample), keysOf(wanted));
    const snapshotsRoot = "/var/lib/shoal/snapshots";
    const withSnapshotter = sample.replace(/^#(?! )|^#(?= {2,})/gm, "");
    assert.deepEqual(
      keysOf(withSnapshotter),
      keysOf(newContainerdConfig({ ...options, snapshotsRoot, configVersionMax: version })),
    );
  }
});

/** Every key of a TOML text with its value, in the order of the text. */
function keysOf(text: string): string[] {
  const { statements } = parseContainerdConfig(text);
  const keys = statements.filter(({ kind }) => kind === "key");
  return keys.map(({ path, value }) => `${JSON.stringify(path)} = ${value}`);
}

test("each service has a systemd unit that starts it with its sample", async () => {
  const files = await readdir(new URL("systemd/", import.meta.url));
  const units = serviceNames.map((name) => `shoal-${name}.service`);
  assert.deepEqual(files.sort(), [...units, "shoal-content-proxy.service.d"].sort());
  for (const name of serviceNames) {
    const unit = await readSample(`systemd/shoal-${name}.service`);
    // Else a few failures in a row, as on a full disk, are the last.
    assert.match(unit, /^\[Unit\][^[]*^StartLimitIntervalSec=0$/m);
    assert.match(
      unit,
      new RegExp(`^ExecStart=\\S+ ${name} --config /etc/shoal/${name}\\.yaml$`, "m"),
    );
    assert.match(unit, /^NotifyAccess=all$/m);
    assert.equal(/^Before=containerd\.service$/m.test(unit), name === "content-proxy");
  }
});

test("what the unit of the content proxy forbids, and unpacking needs, is allowed beside it", async () => {
  const unit = await readSample("systemd/shoal-content-proxy.service");
  const more = await readSample("systemd/shoal-content-proxy.service.d/snapshots.conf");
  for (const name of ["PrivateDevices", "ProtectClock", "RestrictSUIDSGID"]) {
    assert.match(unit, new RegExp(`^${name}=yes$`, "m"));
    assert.match(more, new RegExp(`^${name}=no$`, "m"));
  }
  const capabilities = /^CapabilityBoundingSet=(.*)$/m;
  const allowed = [unit, more].flatMap((text) => capabilities.exec(text)?.[1]?.split(" ") ?? []);
  const needed = ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID"];
  for (const name of [...needed, "CAP_MKNOD", "CAP_SETFCAP", "CAP_SYS_ADMIN"]) {
    assert.ok(allowed.includes(name), name);
  }
});

async function readSample(name: string): Promise<string> {
  return readFile(new URL(name, import.meta.url), "utf8");
}

/** Takes the comment sign away before every line that gives a key a value, and before lists. */
function withExamples(text: string, keys: ReadonlySet<string>): string {
  const names = new Set([...keys].map((path) => path.split(".").at(-1)));
  return text
    .replace(
      /^( *)(\w+): \[\]\n((?:\1# {2}.*\n)+)/gm,
      (_, indent: string, name: string, list: string) =>
        `${indent}${name}:\n${list.replace(/^( *)#/gm, "$1 ")}`,
    )
    .replace(/^( *)# (\w+)(: .*)$/gm, (line, indent: string, name: string, rest: string) =>
      names.has(name) ? `${indent}${name}${rest}` : line,
    );
}

/** Dotted paths of all keys of a schema, also of those in lists; keys that hold others are left out. */
function pathsOf(schema: unknown): string[] {
  const inner = unwrapped(schema);
  if (inner instanceof z.ZodArray) return pathsOf(inner.element);
  if (inner instanceof z.ZodUnion) return [...new Set(inner.options.flatMap(pathsOf))];
  if (!(inner instanceof z.ZodObject)) return [];
  return Object.entries(inner.shape).flatMap(([key, field]) => below(key, pathsOf(field)));
}

function unwrapped(schema: unknown): unknown {
  if (
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodReadonly
  ) {
    return unwrapped(schema.unwrap());
  }
  return schema;
}

function pathsIn(value: unknown): string[] {
  if (Array.isArray(value)) return [...new Set(value.flatMap(pathsIn))];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => below(key, pathsIn(item)));
}

function below(key: string, paths: readonly string[]): string[] {
  return paths.length === 0 ? [key] : paths.map((path) => `${key}.${path}`);
}
