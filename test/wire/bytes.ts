/** Bytes written in hexadecimal, blanks ignored. */
export function fromHex(text: string): Uint8Array {
  const digits = text.replace(/\s/g, '');
  return Uint8Array.from({ length: digits.length / 2 }, (_, i) =>
    Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16),
  );
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** A buffer in which a byte that nobody wrote shows. */
export function dirty(bytes: number): Uint8Array {
  return new Uint8Array(bytes).fill(0xa5);
}
