/** An Enhanced Packet Block with its options, little-endian. */
export interface PacketBlock {
  readonly interface: number;
  /** In units of the interface. */
  readonly time: bigint;
  readonly bytes: Uint8Array;
  /** Values of options by code; the end mark is not among them. */
  readonly options: ReadonlyMap<number, Uint8Array>;
}

/** Codes of options. */
export const COMMENT = 1;
export const FLAGS = 2;
export const PACKET_ID = 5;
export const QUEUE = 6;

/** The blocks of a little-endian file: type, and body between the lengths. */
export function blocksOf(file: Uint8Array): { type: number; body: Uint8Array }[] {
  const blocks: { type: number; body: Uint8Array }[] = [];
  for (let at = 0; at < file.length; ) {
    const view = new DataView(file.buffer, file.byteOffset + at);
    const length = view.getUint32(4, true);
    blocks.push({ type: view.getUint32(0, true), body: file.subarray(at + 8, at + length - 4) });
    at += length;
  }
  return blocks;
}

/** Options from `first` of a block's body on. */
export function optionsOf(body: Uint8Array, first: number): Map<number, Uint8Array> {
  const options = new Map<number, Uint8Array>();
  for (let at = first; at < body.length; ) {
    const code = body[at] | (body[at + 1] << 8);
    const length = body[at + 2] | (body[at + 3] << 8);
    if (code === 0) return options;
    options.set(code, body.slice(at + 4, at + 4 + length));
    at += 4 + Math.ceil(length / 4) * 4;
  }
  return options;
}

/** The packets of a little-endian file, as the reader of captures does not show them. */
export function packetBlocks(file: Uint8Array): PacketBlock[] {
  return blocksOf(file)
    .filter(({ type }) => type === 6)
    .map(({ body }) => {
      const view = new DataView(body.buffer, body.byteOffset, body.length);
      const captured = view.getUint32(12, true);
      return {
        interface: view.getUint32(0, true),
        time: (BigInt(view.getUint32(4, true)) << 32n) | BigInt(view.getUint32(8, true)),
        bytes: body.slice(20, 20 + captured),
        options: optionsOf(body, 20 + Math.ceil(captured / 4) * 4),
      };
    });
}

/** Names of the interfaces of a little-endian file. */
export function interfaceNames(file: Uint8Array): (string | undefined)[] {
  const interfaces = blocksOf(file).filter(({ type }) => type === 1);
  return interfaces.map(({ body }) => textOption(optionsOf(body, 8), 2));
}

/** A text option, or undefined. */
export function textOption(options: ReadonlyMap<number, Uint8Array>, code: number): string | undefined {
  const value = options.get(code);
  return value && new TextDecoder().decode(value);
}

/** An unsigned number, or undefined. */
export function numberOption(options: ReadonlyMap<number, Uint8Array>, code: number): number | undefined {
  const value = options.get(code);
  return value?.reduceRight((sum, byte) => sum * 256 + byte, 0);
}
