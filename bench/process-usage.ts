import { readFile, readdir, readlink } from "node:fs/promises";

/** What a process has used so far. */
export interface ProcessUsage {
  /** Resident memory now, in bytes. */
  readonly rssBytes: number;
  /** The most resident memory that it ever had, in bytes. */
  readonly rssMaxBytes: number;
  /** Processor time, in seconds, of all its threads. */
  readonly cpuSeconds: number;
}

/** Clock ticks in a second, as Linux tells them to programs on every architecture of ours. */
const ticksPerSecond = 100;

/** Looks at a process by what Linux tells of it. @throws {Error} when it is gone. */
export async function usageOf(pid: number): Promise<ProcessUsage> {
  const [status, stat] = await Promise.all([
    readFile(`/proc/${pid}/status`, "utf8"),
    readFile(`/proc/${pid}/stat`, "utf8"),
  ]);
  const kibibytes = (key: string) => {
    const value = new RegExp(`^${key}:\\s*(\\d+) kB$`, "m").exec(status)?.[1];
    if (value === undefined) throw new Error(`Process ${pid} has no ${key}`);
    return Number(value) * 1024;
  };
  // The second field, a name, may hold anything but ends with the last bracket.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return {
    rssBytes: kibibytes("VmRSS"),
    rssMaxBytes: kibibytes("VmHWM"),
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond,
  };
}

/** How many sockets a process has open, listening ones among them. @throws {Error} when it is gone. */
export async function socketCountOf(pid: number): Promise<number> {
  const directory = `/proc/${pid}/fd`;
  const names = await readdir(directory);
  // One that was closed meanwhile is none.
  const targets = await Promise.all(
    names.map((name) => readlink(`${directory}/${name}`).catch(() => "")),
  );
  return targets.filter((target) => target.startsWith("socket:")).length;
}
