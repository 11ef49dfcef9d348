import { join } from "node:path";

import { runCommand } from "../command.ts";
import type { NetworkHost } from "../network.ts";

/** A program that pulls images, as its user runs it on a node. Dispose of it to end what it runs. */
export interface Engine extends AsyncDisposable {
  readonly name: string;
  /** Pulls an image, by the name that its user knows it by; flags come before it. */
  pull(reference: string, flags?: readonly string[]): Promise<void>;
  /** Digest of the config of an image that it has. */
  imageId(reference: string): Promise<string>;
  /** What an image that it has holds at a path. */
  readImageFile(reference: string, path: string): Promise<string>;
  /** Pushes an image that it has by another name; left out where no test has it push. */
  readonly push?: (reference: string, as: string) => Promise<void>;
  /** Removes an image with all its layers. */
  remove(reference: string): Promise<void>;
}

/** Where an engine runs, and what it keeps is. */
export interface EnginePlace {
  readonly on: NetworkHost;
  /** A folder of its own. Short, for sockets have short paths. */
  readonly directory: string;
}

/** Pulls are of a few megabytes on one machine: whoever takes longer hangs. */
const commandTimeoutMs = 180_000;

/** Runs a program of an engine on its node, and gives what it printed. */
export async function runEngine(
  { on, directory }: EnginePlace,
  argv: readonly [string, ...string[]],
): Promise<string> {
  const { stdout } = await runCommand(argv, {
    netns: on.netns,
    signal: AbortSignal.timeout(commandTimeoutMs),
    env: {
      HOME: directory,
      TMPDIR: directory,
      CONTAINERS_REGISTRIES_CONF: registriesConfPath(directory),
    },
  });
  return stdout;
}

/** Where podman, buildah and skopeo are told of registries. */
export function registriesConfPath(directory: string): string {
  return join(directory, "registries.conf");
}
