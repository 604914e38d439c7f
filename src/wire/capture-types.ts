/** An interface that packets of a capture were seen on. */
export interface CaptureInterface {
  /** The file's name for it; empty when it gives none. */
  readonly name: string;
}

/** One packet of a capture. */
export interface CapturePacket {
  /** Picoseconds since the earliest packet of the capture. */
  readonly timePs: number;
  /** The frame, without frame check sequence: a view of the bytes that were read. */
  readonly bytes: Uint8Array;
  /** Bytes of the packet on the wire; the same as the length of `bytes`. */
  readonly originalLength: number;
  /** Index into {@link Capture.interfaces}. */
  readonly interface: number;
}

/** A capture file. */
export interface Capture {
  readonly interfaces: readonly CaptureInterface[];
  /** In the order of their time stamps; equal ones in the order of the file. */
  readonly packets: readonly CapturePacket[];
}

/** A packet as its file format describes it. */
export interface RawPacket {
  /** Picoseconds since the format's epoch; undefined when the format gives no time. */
  readonly timePs: bigint | undefined;
  readonly bytes: Uint8Array;
  readonly originalLength: number;
  readonly interface: number;
  /** Where the packet's header starts in the file. */
  readonly fileOffset: number;
}

/** What the reader of a format hands over. */
export interface RawCapture {
  readonly interfaces: readonly CaptureInterface[];
  readonly packets: readonly RawPacket[];
}

/** Thrown for a capture file that cannot be read; its message is one sentence that says what is wrong and where. */
export class CaptureError extends Error {
  override readonly name = 'CaptureError';
  /** Offset of the defect in the file, in bytes. */
  readonly byteOffset: number;

  constructor(message: string, byteOffset: number) {
    super(`${message}, at byte offset ${byteOffset}`);
    this.byteOffset = byteOffset;
  }
}
