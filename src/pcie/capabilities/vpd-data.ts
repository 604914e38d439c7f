/** What Vital Product Data say. Keywords have two characters: `PN` part number, `SN` serial number, `EC`, `MN`, `V0` ... */
export interface VpdContents {
  /** Name of the product, ASCII. */
  readonly name: string;
  /** Read-only fields by keyword, ASCII, up to 255 characters each. */
  readonly readOnly?: Readonly<Record<string, string>>;
  /** Room for software to write, in bytes; 0 for none. Default 0. */
  readonly writableBytes?: number;
}

/** Tags of the parts (PCI 3.0 I.3.1): large resource types with a length of two bytes, and the end. */
const IDENTIFIER_STRING = 0x82;
const VPD_R = 0x90;
const VPD_W = 0x91;
const END = 0x78;
/** Largest field, and largest address + 1 (PCI 3.0 I.1). */
const FIELD_LIMIT = 255;
const SIZE_LIMIT = 32768;

/**
 * Vital Product Data as they lie in the device: name, read-only fields with a checksum (RV) that makes the sum of all bytes
 * up to it zero, room for writing, end (PCI 3.0 I.3).
 *
 * @throws RangeError if a keyword has not two characters, or a text or all together are too long.
 * @example
 * vpd({ data: vpdData({ name: 'X520 10GbE Controller', readOnly: { PN: 'G61346-011', SN: '90E2BA7686A8' } }) });
 */
export function vpdData(contents: VpdContents): Uint8Array {
  const { name, readOnly = {}, writableBytes = 0 } = contents;
  const fields = Object.entries(readOnly).flatMap(([keyword, text]) => field(keyword, ascii(text)));
  const before = [...large(IDENTIFIER_STRING, ascii(name)), ...header(VPD_R, fields.length + 4), ...fields];
  const sum = [...before, ...keyed('RV', 1)].reduce((total, byte) => total + byte, 0);
  const data = [...before, ...keyed('RV', 1), -sum & 0xff];
  if (writableBytes > 0) data.push(...large(VPD_W, field('RW', new Array(writableBytes).fill(0))));
  data.push(END);
  if (data.length > SIZE_LIMIT) {
    throw new RangeError(`Vital Product Data must have up to ${SIZE_LIMIT} bytes, got ${data.length}`);
  }
  return Uint8Array.from(data);
}

function large(tag: number, bytes: readonly number[]): number[] {
  return [...header(tag, bytes.length), ...bytes];
}

function header(tag: number, length: number): number[] {
  if (length > 0xffff)
    throw new RangeError(`a part of Vital Product Data must have up to 65535 bytes, got ${length}`);
  return [tag, length & 0xff, length >> 8];
}

function field(keyword: string, bytes: readonly number[]): number[] {
  return [...keyed(keyword, bytes.length), ...bytes];
}

function keyed(keyword: string, length: number): number[] {
  const name = ascii(keyword);
  if (name.length !== 2) {
    throw new RangeError(`a keyword must have two characters, got ${JSON.stringify(keyword)}`);
  }
  if (length > FIELD_LIMIT) {
    throw new RangeError(`${keyword} must have up to ${FIELD_LIMIT} bytes, got ${length}`);
  }
  return [...name, length];
}

function ascii(text: string): number[] {
  return Array.from(text, (character) => {
    const code = character.codePointAt(0) ?? 0;
    if (code > 0x7f) throw new RangeError(`Vital Product Data must be ASCII, got ${JSON.stringify(text)}`);
    return code;
  });
}
