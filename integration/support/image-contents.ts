import { createCipheriv, createHash } from "node:crypto";

import type { LayerEntry } from "./image-layer.ts";
import type { MachineFile } from "./machine-files.ts";

/** A static program with a shell and many tools, from Debian's busybox-static. */
const busyboxPath = "/bin/busybox";

/** Tools that images of ours have in `/bin`. */
const applets = ["cat", "echo", "ls", "sh", "sha256sum", "sleep", "true", "wc"] as const;

/** Size of one file of random bytes: many files make a layer, as in real ones. */
const randomFileSizeBytes = 4 * 1024 * 1024;

/** What makes an image run: a shell, its tools, and a file that says which image this is. */
export function rootEntries(seed: string): LayerEntry[] {
  const links = applets.map((name): LayerEntry => {
    return { path: `bin/${name}`, mode: 0o777, content: { kind: "link", target: "busybox" } };
  });
  return [
    { path: "bin/busybox", mode: 0o755, content: { kind: "file", path: busyboxPath } },
    ...links,
    textEntry("etc/shoal-image", `${seed}\n`),
  ];
}

/** A file that makes a layer of one image differ from that of another. */
export function markEntry(seed: string, layer: number): LayerEntry {
  return textEntry(`var/lib/shoal/layer-${layer}`, `${seed} ${layer}\n`);
}

function textEntry(path: string, text: string): LayerEntry {
  return { path, mode: 0o644, content: { kind: "bytes", bytes: Buffer.from(text) } };
}

/** A file of the machine, at its own place. */
export function machineEntry({ path, mode }: MachineFile): LayerEntry {
  return { path: path.slice(1), mode, content: { kind: "file", path } };
}

/** Files of bytes that no compression makes smaller, and that are the same for the same seed. */
export function randomEntries(sizeBytes: number, seed: string): LayerEntry[] {
  const key = createHash("sha256").update(seed).digest();
  const stream = createCipheriv("aes-256-ctr", key, Buffer.alloc(16));
  const entries: LayerEntry[] = [];
  for (let offset = 0; offset < sizeBytes; offset += randomFileSizeBytes) {
    const length = Math.min(randomFileSizeBytes, sizeBytes - offset);
    const bytes = stream.update(Buffer.alloc(length));
    const name = `srv/random/${key.toString("hex", 0, 4)}-${entries.length}`;
    entries.push({ path: name, mode: 0o644, content: { kind: "bytes", bytes } });
  }
  return entries;
}
