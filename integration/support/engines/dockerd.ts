import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import { DisposeStack } from "../../../core/async/dispose-stack.ts";
import { ensurePackages } from "../apt-packages.ts";
import { acceptsConnections } from "../readiness.ts";
import { startProcess } from "../supervised-process.ts";
import { unmountBelow } from "../temporary-directory.ts";
import { type EnginePlace, runEngine } from "./engine.ts";

/** A Docker daemon that runs. Dispose of it to end it. */
export interface Dockerd extends AsyncDisposable {
  /** Runs its client, and gives what that printed. */
  readonly docker: (...args: readonly string[]) => Promise<string>;
}

/** Starts a Docker daemon that leaves the machine's networks and cgroups alone. */
export async function startDockerd(
  place: EnginePlace,
  {
    program = "dockerd",
    settings,
  }: {
    /** That of the machine, unless told otherwise. */
    readonly program?: string;
    /** What is in its daemon.json beside where it keeps things. */
    readonly settings: Readonly<Record<string, unknown>>;
  },
): Promise<Dockerd> {
  await ensurePackages(["docker.io"]);
  const { directory, on } = place;
  const inDirectory = (name: string) => join(directory, name);
  const config = inDirectory("daemon.json");
  await writeFile(
    config,
    JSON.stringify({
      ...settings,
      ...{ "data-root": inDirectory("data"), "exec-root": inDirectory("exec") },
      ...{ pidfile: inDirectory("docker.pid") },
      ...{ bridge: "none", iptables: false, ip6tables: false },
    }),
  );
  const socket = inDirectory("docker.sock");
  const started = new DisposeStack();
  started.defer(() => unmountBelow(directory));
  started.use(
    await startProcess({
      name: "dockerd",
      argv: [program, "--config-file", config, "--host", `unix://${socket}`],
      logPath: inDirectory("dockerd.log"),
      ready: acceptsConnections(socket),
      netns: on.netns,
    }),
  );
  return {
    docker: (...args) => runEngine(place, ["docker", "--host", `unix://${socket}`, ...args]),
    [Symbol.asyncDispose]: () => started[Symbol.asyncDispose](),
  };
}
