import { InvalidArgumentError } from "../errors.ts";

/** Bytes in each unit: binary and decimal, as Kubernetes and disks have them. */
const units: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

const pattern = /^([0-9]{1,16}(?:\.[0-9]{1,6})?) ?([A-Za-z]{1,3})$/;

/**
 * Reads a number of bytes with its unit: `50GiB`, `1.5 TB`, `512MiB`.
 *
 * @throws {InvalidArgumentError} when the unit is missing or not known, or when it is
 *   no whole number of bytes.
 */
export function parseByteCount(text: string): number {
  const match = pattern.exec(text);
  const unit = units[match?.[2] ?? ""];
  const bytes = Number(match?.[1]) * (unit ?? Number.NaN);
  if (Number.isSafeInteger(bytes)) return bytes;
  throw new InvalidArgumentError(
    `Cannot read a number of bytes from ${JSON.stringify(text.slice(0, 40))}`,
  );
}
