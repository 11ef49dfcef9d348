import { type Stats } from "node:fs";
import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";

import { CodedError } from "../../core/errors.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";
import type { CliContext } from "../cli-context.ts";
import { type ExitCode, exitCodes } from "../exit-code.ts";
import { readTextFile } from "../read-text-file.ts";
import { checkMirror } from "./check-mirror.ts";
import { checkSnapshotter } from "./check-snapshotter.ts";
import { ConfigFile } from "./config-file.ts";
import {
  type ContainerdConfig,
  isAt,
  localContentPlugin,
  parseContainerdConfig,
} from "./containerd-config.ts";
import { configVersionMaxOf, readContainerdVersion } from "./containerd-version.ts";
import { proxyPluginId } from "./enable-lines.ts";
import type { ContainerdOptions } from "./enable.ts";
import { type Finding, good, wrong } from "./finding.ts";
import { importedFiles } from "./imported-files.ts";
import { probeContentStore } from "./probe-socket.ts";

/** What is looked at. */
export interface CheckOptions extends ContainerdOptions {
  /** Where the content proxy keeps its blobs, if not where its configuration says. */
  readonly root?: string | undefined;
  /** Configuration of the content proxy; need not be there. */
  readonly config: string;
  /** Absolute path of containerd's own socket. */
  readonly containerdSocket: string;
}

/** What was found of containerd, and what of the content proxy matters for it. */
interface ContainerdCheck {
  readonly findings: readonly Finding[];
  /** containerd's own store, where it is in use beside the content proxy's. */
  readonly ownStore: string | undefined;
}

/** Tells what is right and wrong for containerd to use our content store, snapshotter and mirror. */
export async function checkContainerd(
  options: CheckOptions,
  context: CliContext,
): Promise<ExitCode> {
  const { stdout, signal } = context;
  const { findings: ofContainerd, ownStore } = await checkConfigFile(options, { signal });
  const findings = [
    ...ofContainerd,
    ...(ownStore === undefined ? [await checkSocket(options.socket)] : []),
    ...(await checkRoot(options, { ownStore, context })),
  ];
  for (const { ok, text } of findings) stdout.write(`${ok ? "ok    " : "WRONG "} ${text}\n`);
  return findings.every(({ ok }) => ok) ? exitCodes.ok : exitCodes.failure;
}

async function checkConfigFile(
  { containerd, containerdConfig, socket, containerdSocket, certsDir }: CheckOptions,
  { signal }: Cancellable,
): Promise<ContainerdCheck> {
  try {
    const version = await readContainerdVersion(containerd, { signal });
    const configVersionMax = configVersionMaxOf(version);
    const found = good(`${containerd} is containerd ${version.text}`);
    const { path, text } = await ConfigFile.open(containerdConfig);
    if (text === undefined) {
      const missing = wrong(`${path} is not there; run \`shoal containerd enable\``);
      return { findings: [found, missing], ownStore: undefined };
    }
    const config = parseContainerdConfig(text, path);
    const configs = [config, ...(await readImported(path, config))];
    const mirror = await checkMirror(configs, { version, certsPath: certsDir, signal });
    const isMirrorOnly = mirror.isEnabled && !isContentReplaced(configs, socket);
    const findings = [
      found,
      checkVersion(path, config, configVersionMax),
      ...(isMirrorOnly
        ? [good("containerd keeps its blobs itself: its content store is not replaced")]
        : checkPlugins(configs, socket)),
      ...(await checkSnapshotter(configs, { socket, containerdSocket })),
      ...mirror.findings,
    ];
    return { findings, ownStore: isMirrorOnly ? ownStoreOf(config) : undefined };
  } catch (error) {
    if (error instanceof CodedError) {
      return { findings: [wrong(error.message)], ownStore: undefined };
    }
    throw error;
  }
}

/** Whether containerd was told anything of us, or of another one, in place of its own store. */
function isContentReplaced(configs: readonly ContainerdConfig[], socket: string): boolean {
  return configs.some(
    ({ disabledPlugins, proxyPlugins }) =>
      disabledPlugins.includes(localContentPlugin) ||
      proxyPlugins.some((plugin) => plugin.id === proxyPluginId || isAt(plugin, socket)),
  );
}

function ownStoreOf({ root }: ContainerdConfig): string {
  return join(root, localContentPlugin);
}

/** Lists of an imported file are appended, its proxy plugins stand beside the others. */
async function readImported(path: string, config: ContainerdConfig): Promise<ContainerdConfig[]> {
  const files = await importedFiles(path, config.imports);
  return Promise.all(
    files.map(async (file) => parseContainerdConfig(await readTextFile(file), file)),
  );
}

function checkVersion(path: string, { version }: ContainerdConfig, max: number): Finding {
  if (version === undefined || version < 2) {
    return wrong(`${path} has version 1, which cannot name the content store; want 2 to ${max}`);
  }
  if (version > max)
    return wrong(`${path} has version ${version}; this containerd reads up to ${max}`);
  return good(`${path} has version ${version}`);
}

function checkPlugins(configs: readonly ContainerdConfig[], socket: string): Finding[] {
  const disabled = configs.some((config) => config.disabledPlugins.includes(localContentPlugin));
  const stores = configs
    .flatMap(({ proxyPlugins }) => proxyPlugins)
    .filter(
      ({ type }) => type === "content" || type === localContentPlugin.replace(/\.content$/, ""),
    );
  const ours = stores.find((store) => isAt(store, socket));
  const others = stores.filter((store) => store !== ours).map(({ id }) => id);
  return [
    ours
      ? good(`proxy plugin "${ours.id}" is the content store at ${socket}`)
      : wrong(`no proxy plugin is a content store at ${socket}; run \`shoal containerd enable\``),
    disabled
      ? good(`${localContentPlugin} is disabled`)
      : wrong(
          `${localContentPlugin} is not disabled: with two content stores containerd 1.x takes one by chance, and 2.x starts without any`,
        ),
    ...(others.length > 0
      ? [
          wrong(
            `proxy plugin ${others.join(", ")} is a content store too, and there can be one only`,
          ),
        ]
      : []),
  ];
}

async function checkSocket(socket: string): Promise<Finding> {
  const stats = await statOf(socket);
  if (!stats) return wrong(`${socket} is not there; is the content proxy running?`);
  if (!stats.isSocket()) return wrong(`${socket} is no socket`);
  try {
    await probeContentStore(socket);
    return good(`a content store answers at ${socket}`);
  } catch (error) {
    const why = (error as Error).message;
    return wrong(`no content store answers at ${socket}: ${why}; is the content proxy running?`);
  }
}

/** Where containerd keeps its content itself, the content proxy must not; else it must be able to go back. */
async function checkRoot(
  { root: named, config, socket }: CheckOptions,
  { ownStore, context }: Pick<ContainerdCheck, "ownStore"> & { readonly context: CliContext },
): Promise<Finding[]> {
  try {
    const root = named ?? (await storeRootOf(config, context));
    if (ownStore !== undefined && resolve(root) === ownStore) {
      return [
        wrong(
          `${root} is containerd's own store, which is in use: ` +
            "give the content proxy another one (store.root in its configuration)",
        ),
      ];
    }
    return [await checkOwner(root, socket)];
  } catch (error) {
    if (error instanceof CodedError) return [wrong(error.message)];
    throw error;
  }
}

async function checkOwner(root: string, socket: string): Promise<Finding> {
  const stats = await statOf(root);
  if (!stats) return wrong(`${root} is not there; it is made when the content proxy starts`);
  if (!stats.isDirectory()) return wrong(`${root} is no folder`);
  const owner = (await statOf(socket))?.uid ?? 0;
  if (stats.uid !== owner) {
    return wrong(
      `${root} belongs to user ${stats.uid}, and the content proxy runs as user ${owner}`,
    );
  }
  return good(`${root} belongs to the user of the content proxy`);
}

/** As the content proxy's configuration has it, if there is one here. */
async function storeRootOf(file: string, { environment, signal }: CliContext): Promise<string> {
  const text = (await statOf(file)) ? await readTextFile(file, { signal }) : "";
  const { parseContentProxyConfig } = await import("../../content-proxy/config.ts");
  return parseContentProxyConfig(text, file, { environment }).store.root;
}

async function statOf(path: string): Promise<Stats | undefined> {
  return stat(path).catch(() => undefined);
}
