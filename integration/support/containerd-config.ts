import { join } from "node:path";

import { enabledContainerdConfig } from "../../cli/containerd/enable-lines.ts";
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
  /** Where the snapshotter at that socket keeps its files, if it is to be used instead of containerd's. */
  readonly snapshotsRoot?: string | undefined;
  readonly withCri?: boolean | undefined;
  /** What the CRI keeps a pod's namespaces with. */
  readonly sandboxImage?: string | undefined;
  /** More lines for the end of the file. */
  readonly extraToml?: string | undefined;
}

/** The configuration file of a containerd: as somebody has it, then as our command changes it. */
export function renderContainerdConfig(settings: ContainerdSettings): string {
  const { contentProxySocket: socket, snapshotsRoot, line } = settings;
  const text = renderOwnConfig(settings);
  if (socket === undefined) return text;
  return enabledContainerdConfig(text, {
    socket,
    snapshotsRoot,
    configVersionMax: versionOf(line),
    criPulls: line !== "2.x",
  });
}

function renderOwnConfig(settings: ContainerdSettings): string {
  const parts = [
    renderCore(settings),
    ...(settings.withCri
      ? [settings.line === "2.x" ? renderCri2(settings) : renderCri1(settings)]
      : []),
    ...(settings.line === "1.6" ? [] : [renderTransfer(settings)]),
    ...(settings.extraToml === undefined ? [] : [settings.extraToml]),
  ];
  return parts.join("\n");
}

function renderCore(settings: ContainerdSettings): string {
  const { line, directory, withCri } = settings;
  const disabled = [
    ...(withCri ? [] : criPlugins[line]),
    // Its socket is one for the machine, and several daemons would fight for it.
    ...(line === "1.6" ? [] : ["io.containerd.nri.v1.nri"]),
  ];
  return `version = ${versionOf(line)}
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

function versionOf(line: ContainerdLine): number {
  return line === "2.x" ? 3 : 2;
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

/** A machine that is a container itself may not lower the score of a pod below its own. */
const ownOomScore = "restrict_oom_score_adj = true";

function renderCri1({ hostsPath, snapshotter, sandboxImage }: ContainerdSettings): string {
  const cri = 'plugins."io.containerd.grpc.v1.cri"';
  return `[${cri}]
  disable_tcp_service = true
  ${ownOomScore}
${sandboxImage === undefined ? "" : `  sandbox_image = "${sandboxImage}"\n`}[${cri}.containerd]
  snapshotter = "${snapshotter}"
[${cri}.registry]
  config_path = "${hostsPath}"
`;
}

function renderCri2({ hostsPath, snapshotter, sandboxImage }: ContainerdSettings): string {
  const images = 'plugins."io.containerd.cri.v1.images"';
  return `[plugins."io.containerd.grpc.v1.cri"]
  disable_tcp_service = true
[plugins."io.containerd.cri.v1.runtime"]
  ${ownOomScore}
[${images}]
  snapshotter = "${snapshotter}"
[${images}.registry]
  config_path = "${hostsPath}"
${sandboxImage === undefined ? "" : `[${images}.pinned_images]\n  sandbox = "${sandboxImage}"\n`}`;
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
