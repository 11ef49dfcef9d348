import { join } from "node:path";

import type { ContainerdLine } from "./containerd-release.ts";

/** What a containerd of ours is told. Everything that it keeps is below one folder. */
export interface ContainerdSettings {
  readonly line: ContainerdLine;
  readonly directory: string;
  /** Where it and its users look for `hosts.toml` files. */
  readonly hostsPath: string;
  readonly snapshotter: string;
  /** Socket of a content store to use instead of its own. */
  readonly contentProxySocket?: string | undefined;
  readonly withCri?: boolean | undefined;
  /** More lines for the end of the file. */
  readonly extraToml?: string | undefined;
}

/** The configuration file of a containerd. */
export function renderContainerdConfig(settings: ContainerdSettings): string {
  const parts = [
    renderCore(settings),
    ...(settings.contentProxySocket === undefined ? [] : [renderProxy(settings)]),
    ...(settings.withCri
      ? [settings.line === "2.x" ? renderCri2(settings) : renderCri1(settings)]
      : []),
    ...(settings.line === "1.6" ? [] : [renderTransfer(settings)]),
    ...(settings.extraToml === undefined ? [] : [settings.extraToml]),
  ];
  return parts.join("\n");
}

function renderCore(settings: ContainerdSettings): string {
  const { line, directory, contentProxySocket, withCri } = settings;
  const disabled = [
    // Two content stores would exclude each other.
    ...(contentProxySocket === undefined ? [] : ["io.containerd.content.v1.content"]),
    ...(withCri ? [] : criPlugins[line]),
    // Its socket is one for the machine, and several daemons would fight for it.
    ...(line === "1.6" ? [] : ["io.containerd.nri.v1.nri"]),
  ];
  return `version = ${line === "2.x" ? 3 : 2}
root = "${join(directory, "root")}"
state = "${join(directory, "state")}"
disabled_plugins = ${JSON.stringify(disabled)}

[grpc]
  address = "${join(directory, "containerd.sock")}"
[ttrpc]
  address = "${join(directory, "ttrpc.sock")}"
[plugins."io.containerd.internal.v1.opt"]
  path = "${join(directory, "opt")}"
`;
}

const criPlugins = {
  "1.6": ["io.containerd.grpc.v1.cri"],
  "1.7": ["io.containerd.grpc.v1.cri"],
  "2.x": [
    "io.containerd.grpc.v1.cri",
    "io.containerd.cri.v1.images",
    "io.containerd.cri.v1.runtime",
  ],
} as const satisfies Record<ContainerdLine, readonly string[]>;

function renderProxy({ contentProxySocket = "" }: ContainerdSettings): string {
  return `[proxy_plugins.shoal]
  type = "content"
  address = "${contentProxySocket}"
`;
}

function renderCri1({ hostsPath, snapshotter }: ContainerdSettings): string {
  const cri = 'plugins."io.containerd.grpc.v1.cri"';
  return `[${cri}]
  disable_tcp_service = true
[${cri}.containerd]
  snapshotter = "${snapshotter}"
[${cri}.registry]
  config_path = "${hostsPath}"
`;
}

function renderCri2({ hostsPath, snapshotter }: ContainerdSettings): string {
  const images = 'plugins."io.containerd.cri.v1.images"';
  return `[plugins."io.containerd.grpc.v1.cri"]
  disable_tcp_service = true
[${images}]
  snapshotter = "${snapshotter}"
[${images}.registry]
  config_path = "${hostsPath}"
`;
}

/** Pulls by the transfer service unpack only for snapshotters that are listed there. */
function renderTransfer({ line, hostsPath, snapshotter }: ContainerdSettings): string {
  const transfer = 'plugins."io.containerd.transfer.v1.local"';
  const platform = `linux/${process.arch === "x64" ? "amd64" : process.arch}`;
  return `[${transfer}]
${line === "2.x" ? `  config_path = "${hostsPath}"\n` : ""}[[${transfer}.unpack_config]]
  platform = "${platform}"
  snapshotter = "${snapshotter}"
`;
}
