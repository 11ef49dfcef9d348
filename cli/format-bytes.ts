const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] as const;

/** A number of bytes for people: three digits and a unit. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // 999.5 would be written as 1000.
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  const digits = unit === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.max(1, value))));
  return `${value.toFixed(digits)} ${units[unit] ?? "B"}`;
}
