/** Makes capture files in memory, right ones and wrong ones. */

/** Appends numbers in one byte order. */
class Writer {
  readonly bytes: number[] = [];
  readonly #littleEndian: boolean;

  constructor(littleEndian: boolean) {
    this.#littleEndian = littleEndian;
  }

  u16(...values: number[]): this {
    return this.#numbers(values, 2);
  }

  u32(...values: number[]): this {
    return this.#numbers(values, 4);
  }

  u64(...values: bigint[]): this {
    for (const value of values) {
      const halves = [Number(BigInt.asUintN(32, value)), Number(BigInt.asUintN(32, value >> 32n))];
      this.u32(...(this.#littleEndian ? halves : halves.reverse()));
    }
    return this;
  }

  raw(bytes: Iterable<number>): this {
    for (const byte of bytes) this.bytes.push(byte);
    return this;
  }

  pad(): this {
    while (this.bytes.length % 4 !== 0) this.bytes.push(0);
    return this;
  }

  #numbers(values: number[], size: number): this {
    for (const value of values) {
      const bytes = Array.from({ length: size }, (_, i) => (value >>> (8 * i)) & 0xff);
      this.raw(this.#littleEndian ? bytes : bytes.reverse());
    }
    return this;
  }
}

/** A frame of `bytes` bytes that can be told from others. */
export function frame(bytes: number, fill = 0): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, i) => (i + fill) & 0xff);
}

export interface PcapOptions {
  littleEndian?: boolean;
  nanoseconds?: boolean;
  version?: [number, number];
  network?: number;
}

export interface PcapPacket {
  seconds: number;
  fraction: number;
  data: Uint8Array;
  captured?: number;
  original?: number;
}

export function pcapFile(packets: PcapPacket[], options: PcapOptions = {}): Uint8Array {
  const { littleEndian = true, nanoseconds = false, version = [2, 4], network = 1 } = options;
  const writer = new Writer(littleEndian);
  writer.u32(nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4).u16(...version);
  writer.u32(0, 0, 262_144, network);
  for (const { seconds, fraction, data, captured, original } of packets) {
    writer.u32(seconds, fraction, captured ?? data.length, original ?? data.length).raw(data);
  }
  return Uint8Array.from(writer.bytes);
}

/** Puts blocks of a pcapng file one behind the other. */
export class PcapngFile {
  readonly #littleEndian: boolean;
  readonly #bytes: number[] = [];

  constructor(littleEndian = true) {
    this.#littleEndian = littleEndian;
  }

  get bytes(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }

  section(version = 1): this {
    return this.block(0x0a0d0d0a, (body) => body.u32(0x1a2b3c4d).u16(version, 0).u64(0xffff_ffff_ffff_ffffn));
  }

  /** Options as code and value; the end mark is left to the caller. */
  interface(options: [number, Iterable<number>][] = [], linkType = 1, snapLength = 0): this {
    return this.block(1, (body) => {
      body.u16(linkType, 0).u32(snapLength);
      for (const [code, value] of options) {
        const bytes = [...value];
        body.u16(code, bytes.length).raw(bytes).pad();
      }
    });
  }

  enhanced(number: number, timestamp: bigint, data: Uint8Array, captured?: number, original?: number): this {
    return this.block(6, (body) => {
      body.u32(number, Number(timestamp >> 32n), Number(timestamp & 0xffff_ffffn));
      body
        .u32(captured ?? data.length, original ?? data.length)
        .raw(data)
        .pad();
    });
  }

  simple(data: Uint8Array, original?: number): this {
    return this.block(3, (body) =>
      body
        .u32(original ?? data.length)
        .raw(data)
        .pad(),
    );
  }

  obsolete(number: number, timestamp: bigint, data: Uint8Array): this {
    return this.block(2, (body) => {
      body.u16(number, 0xffff).u32(Number(timestamp >> 32n), Number(timestamp & 0xffff_ffffn));
      body.u32(data.length, data.length).raw(data).pad();
    });
  }

  /** Any block; `lengths` are written instead of the right one at its start and end. */
  block(type: number, fill: (body: Writer) => unknown, lengths: [number?, number?] = []): this {
    const body = new Writer(this.#littleEndian);
    fill(body);
    const length = body.bytes.length + 12;
    const block = new Writer(this.#littleEndian);
    block
      .u32(type, lengths[0] ?? length)
      .raw(body.bytes)
      .u32(lengths[1] ?? length);
    this.#bytes.push(...block.bytes);
    return this;
  }

  /** Another file, in its own byte order, behind this one. */
  append(other: PcapngFile): this {
    this.#bytes.push(...other.#bytes);
    return this;
  }

  /** A 64-bit option value in this file's byte order. */
  int64(value: bigint): number[] {
    return new Writer(this.#littleEndian).u64(value).bytes;
  }
}
