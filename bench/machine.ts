import { statfs } from "node:fs/promises";
import { cpus, loadavg, release, tmpdir, totalmem } from "node:os";

/** Magic numbers of file systems, from Linux's `statfs(2)`. */
const fileSystems: Readonly<Record<number, string>> = {
  0xef53: "ext4",
  0x58465342: "xfs",
  0x9123683e: "btrfs",
  0x01021994: "tmpfs",
  0x794c7630: "overlayfs",
};

/** The machine in a few words, for figures mean nothing without it. */
export async function describeMachine(): Promise<string> {
  const processors = cpus();
  const { type } = await statfs(tmpdir());
  return [
    `${processors.length} × ${processors[0]?.model.trim() ?? "unknown processor"}`,
    `${Math.round(totalmem() / 2 ** 30)} GiB`,
    `Linux ${release()}`,
    `${fileSystems[type] ?? `file system 0x${type.toString(16)}`} at ${tmpdir()}`,
    `Node ${process.versions.node}`,
    `load ${loadavg()
      .map((load) => load.toFixed(1))
      .join(" ")}`,
  ].join(", ");
}
