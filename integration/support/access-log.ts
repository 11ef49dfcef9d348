/** One request that a registry has answered. */
export interface RegistryRequest {
  /** Address that it came from. */
  readonly client: string;
  readonly method: string;
  /** Path without query. */
  readonly path: string;
  readonly status: number;
  /** Bytes of the body that it sent. */
  readonly bytes: number;
  /** Whether a part was asked for by Range, and given. */
  readonly isPartial: boolean;
  readonly userAgent: string;
}

/** A line of the combined log format, as docker-registry writes it. */
const linePattern =
  /^(\S+) - \S+ \[[^\]]+\] "(\S+) (\S+) HTTP\/[\d.]+" (\d{3}) (\d+) "[^"]*" "([^"]*)"$/gm;

/** Reads the requests out of a log; lines of other kinds are passed over. */
export function parseAccessLog(text: string): RegistryRequest[] {
  return [...text.matchAll(linePattern)].map(
    ([, client = "", method = "", target = "", status, bytes, agent]) => ({
      client,
      method,
      path: target.split("?", 1)[0] ?? "",
      status: Number(status),
      bytes: Number(bytes),
      isPartial: status === "206",
      userAgent: agent ?? "",
    }),
  );
}

/** Whether it is a request for the bytes of a blob or manifest, answered with some. */
export function isDownload(request: RegistryRequest): boolean {
  return (
    request.method === "GET" &&
    (request.status === 200 || request.status === 206) &&
    /\/(blobs|manifests)\//.test(request.path)
  );
}

/** Bytes of blobs and manifests that were taken from a registry. */
export function downloadedBytes(requests: readonly RegistryRequest[]): number {
  return requests.filter(isDownload).reduce((sum, { bytes }) => sum + bytes, 0);
}
