import { checkInteger } from '../base/index.ts';
import { read16, write16 } from './bytes.ts';
import { ETHERNET, ETHERNET_HEADER_BYTES, EtherType, FCS_BYTES, MIN_FRAME_BYTES } from './ethernet.ts';
import { writeMac } from './mac.ts';

/** Destination of MAC Control frames, 01-80-C2-00-00-01: no bridge passes it on (IEEE 802.3 annex 31B.1). */
export const MAC_CONTROL_ADDRESS = 0x0180_c200_0001;

/** Bytes of a MAC Control frame in memory, without frame check sequence: always the shortest there is. */
export const MAC_CONTROL_BYTES = MIN_FRAME_BYTES - FCS_BYTES;

/** Opcodes of MAC Control frames (IEEE 802.3 annex 31A). */
export const MacControlOpcode = {
  /** Stops all that the receiver sends (annex 31B). */
  PAUSE: 0x0001,
  /** Stops some of eight priorities (annex 31D; IEEE 802.1Qbb). */
  PRIORITY_PAUSE: 0x0101,
} as const;

/** Bit times of a pause quantum (IEEE 802.3 annex 31B.2). */
export const PAUSE_QUANTUM_BITS = 512;

/** The longest pause, in quanta. */
export const MAX_PAUSE_QUANTA = 0xffff;

/** Priorities that a priority pause names. */
export const PRIORITIES = 8;

/** A pause for all traffic. */
export interface Pause {
  readonly kind: 'pause';
  /** 0 to 65,535; 0 ends a pause. */
  readonly quanta: number;
}

/** A pause for some priorities. */
export interface PriorityPause {
  readonly kind: 'priority';
  /** Bit n is set if `quanta[n]` counts. */
  readonly enabled: number;
  /** By priority, 0 to 65,535 each; 0 ends a pause. */
  readonly quanta: readonly number[];
}

/** What a MAC Control frame says. */
export type MacControl = Pause | PriorityPause;

const OPCODE = ETHERNET_HEADER_BYTES;
const PARAMETERS = OPCODE + 2;

/**
 * The MAC Control frame of `bytes` bytes at `offset`; undefined when it is none, is cut short, or has another
 * opcode: such a frame a MAC discards without a trace (IEEE 802.3 clause 31.4.1.3).
 *
 * @example
 * const frame = new Uint8Array(MAC_CONTROL_BYTES);
 * writeMacControl(frame, 0, source, { kind: 'pause', quanta: 100 });
 * parseMacControl(frame, 0, frame.length); // { kind: 'pause', quanta: 100 }
 */
export function parseMacControl(u8: Uint8Array, offset: number, bytes: number): MacControl | undefined {
  if (!isMacControl(u8, offset, bytes)) return undefined;
  const opcode = read16(u8, offset + OPCODE);
  if (opcode === MacControlOpcode.PAUSE) {
    return { kind: 'pause', quanta: read16(u8, offset + PARAMETERS) };
  }
  if (opcode !== MacControlOpcode.PRIORITY_PAUSE) return undefined;
  const quanta = Array.from({ length: PRIORITIES }, (_, i) => read16(u8, offset + PARAMETERS + 2 + 2 * i));
  return { kind: 'priority', enabled: read16(u8, offset + PARAMETERS) & 0xff, quanta };
}

/** Whether the frame of `bytes` bytes at `offset` is one for the MAC itself: whole, and of the MAC Control type. */
export function isMacControl(u8: Uint8Array, offset: number, bytes: number): boolean {
  return bytes >= MAC_CONTROL_BYTES && read16(u8, offset + ETHERNET.TYPE) === EtherType.MAC_CONTROL;
}

/**
 * Writes a MAC Control frame at `offset`, padded to the shortest frame, and returns its bytes.
 *
 * @param source address of the station that sends it.
 * @throws TypeError or RangeError if a field does not fit its bits.
 */
export function writeMacControl(u8: Uint8Array, offset: number, source: number, control: MacControl): number {
  u8.fill(0, offset, offset + MAC_CONTROL_BYTES);
  writeMac(u8, offset + ETHERNET.DESTINATION, MAC_CONTROL_ADDRESS);
  writeMac(u8, offset + ETHERNET.SOURCE, source);
  write16(u8, offset + ETHERNET.TYPE, EtherType.MAC_CONTROL);
  if (control.kind === 'pause') {
    write16(u8, offset + OPCODE, MacControlOpcode.PAUSE);
    write16(u8, offset + PARAMETERS, checkInteger('quanta', control.quanta, 0, MAX_PAUSE_QUANTA));
    return MAC_CONTROL_BYTES;
  }
  write16(u8, offset + OPCODE, MacControlOpcode.PRIORITY_PAUSE);
  write16(u8, offset + PARAMETERS, checkInteger('enabled', control.enabled, 0, 0xff));
  for (let i = 0; i < PRIORITIES; i++) {
    const quanta = checkInteger(`quanta[${i}]`, control.quanta[i] ?? 0, 0, MAX_PAUSE_QUANTA);
    write16(u8, offset + PARAMETERS + 2 + 2 * i, quanta);
  }
  return MAC_CONTROL_BYTES;
}
