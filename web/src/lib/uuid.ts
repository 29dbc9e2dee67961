const CANONICAL = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** A random UUID (version 4). `crypto.randomUUID` is missing on pages served over plain HTTP from another machine. */
export function randomUuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return textOf(withVersion(bytes, 4));
}

/** Whether the text is a UUID in canonical form, as the contract requires of ids. */
export function isUuid(text: string): boolean {
  return CANONICAL.test(text);
}

/** The first 16 bytes with the version and the RFC 9562 variant set. */
export function withVersion(bytes: Uint8Array, version: number): Uint8Array {
  const set = Uint8Array.from(bytes.subarray(0, 16));
  set[6] = ((set[6] ?? 0) & 0x0f) | (version << 4);
  set[8] = ((set[8] ?? 0) & 0x3f) | 0x80;
  return set;
}

/** Sixteen bytes as a UUID in canonical form. */
export function textOf(bytes: Uint8Array): string {
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
