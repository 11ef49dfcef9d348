import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { runCommand } from "../../integration/support/command.ts";
import { ensurePackages } from "../../integration/support/apt-packages.ts";
import type { NetworkHost } from "../../integration/support/network.ts";
import { pollUntil } from "../../integration/support/poll.ts";
import {
  startProcess,
  type SupervisedProcess,
} from "../../integration/support/supervised-process.ts";

/** Where nginx listens; nobody else is on the machine. */
export const nginxUrl = "http://127.0.0.1:8080/blob";

/** Starts Debian's nginx, which serves one file as {@link nginxUrl}, as fast as it can. */
export async function startNginx(
  filePath: string,
  options: { readonly on: NetworkHost; readonly directory: string; readonly signal: AbortSignal },
): Promise<SupervisedProcess> {
  await ensurePackages(["nginx", "curl"]);
  const { signal, on } = options;
  const directory = join(options.directory, "nginx");
  const configPath = join(directory, "nginx.conf");
  await mkdir(directory);
  await chmod(directory, 0o755);
  await writeFile(configPath, render({ filePath, directory }));
  const isUp = () =>
    runCommand(["curl", "--silent", "--head", nginxUrl], { netns: on.netns }).then(
      () => true,
      () => undefined,
    );
  return startProcess(
    {
      name: "nginx",
      argv: ["nginx", "-c", configPath],
      logPath: join(directory, "nginx.log"),
      ready: (waiting) =>
        pollUntil(isUp, { what: "nginx", withinMs: Number.POSITIVE_INFINITY, ...waiting }),
      netns: on.netns,
    },
    { signal },
  );
}

function render({ filePath, directory }: { filePath: string; directory: string }): string {
  return `daemon off;
# The file is in a folder of root's.
user root;
worker_processes 1;
pid ${join(directory, "nginx.pid")};
error_log stderr;
events { worker_connections 64; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  server {
    listen 127.0.0.1:8080;
    location = /blob { alias ${filePath}; }
  }
}
`;
}
