import type { RegisterFile } from '../registers/index.ts';
import { PRIORITIES } from '../wire/index.ts';
import type { ClassPath } from './class-path.ts';
import type { FlowControlSettings, PauseThreshold } from './flow-control.ts';
import type { PacketBufferOptions } from './packet-buffer.ts';
import type { PauseMode } from './pause-timers.ts';
import type { SharedBufferProfile } from './profile.ts';
import { dividesTransmitBuffer } from './transmit-division.ts';

/** Bits of the flow control registers (82599 data sheet 8.2.3.3, 8.2.3.22.34). */
const PMCF = 1 << 0;
const DPF = 1 << 1;
const RPFCE = 1 << 2;
const RFCE = 1 << 3;
const TFCE_SHIFT = 3;
const TFCE_LINK = 1;
const TFCE_PRIORITY = 2;
const FCEN = 1 << 31;
const XONE = 1 << 31;
/** FCRTH.RTH and FCRTL.RTL count 32 bytes from bit 5 on: masked, the register is a number of bytes. */
const THRESHOLD = 0x7ffe0;
/** RXPBSIZE.SIZE counts KiB from bit 10 on: likewise. */
const SIZE = 0xffc00;

/** Registers that steer flow control and the classes of the receive buffer. */
export const FLOW_REGISTERS = [
  'FCTTV',
  'FCRTL',
  'FCRTH',
  'FCRTV',
  'FCCFG',
  'MFLCN',
  'RTRUP2TC',
  'RTTUP2TC',
  'RXPBSIZE',
] as const;

/** What a class is stopped by, apart from registers, where the card has a shared buffer. */
export interface FlowLimits {
  /** Bytes of the receive packet buffer. */
  readonly bufferBytes: number;
  /** Longest frame as it lies in the buffer. */
  readonly maxFrameBytes: number;
  /** How the buffer is shared; without it each class has what RXPBSIZE says. */
  readonly shared?: SharedBufferProfile;
}

/** Whether the registers ask for anything that a plain receive buffer does not do. */
export function needsFlowControl(file: RegisterFile): boolean {
  const receives = (file.get('MFLCN') & (RPFCE | RFCE)) !== 0;
  const sends = ((file.get('FCCFG') >> TFCE_SHIFT) & 3) !== 0;
  const classes = file.get('RTRUP2TC') !== 0 || file.get('RTTUP2TC') !== 0;
  return receives || sends || classes || dividesTransmitBuffer(file);
}

/** Flow control as the registers have it. */
export function readFlowControl(file: RegisterFile, limits: FlowLimits): FlowControlSettings {
  const receiveClassOf = classMap(file.get('RTRUP2TC'));
  const thresholds: (PauseThreshold | null)[] = [];
  let tellsEnd = 0;
  for (let c = 0; c < PRIORITIES; c++) {
    const low = file.get('FCRTL', c);
    const high = file.get('FCRTH', c);
    const stops = (high & FCEN) !== 0;
    if ((low & XONE) !== 0) tellsEnd |= 1 << c;
    if (!stops) thresholds.push(null);
    else if (limits.shared !== undefined) {
      thresholds.push({ xoffBytes: 'dynamic', xonBytes: 2 * limits.maxFrameBytes });
    } else thresholds.push({ xoffBytes: high & THRESHOLD, xonBytes: Math.max(1, low & THRESHOLD) });
  }
  const quanta = Array.from(
    { length: PRIORITIES },
    (_, c) => (file.get('FCTTV', c >> 1) >>> (16 * (c & 1))) & 0xffff,
  );
  const mode = sendMode(file);
  return {
    honours: receiveMode(file),
    passesControl: (file.get('MFLCN') & PMCF) !== 0 && (file.get('MFLCN') & DPF) === 0,
    receiveClassOf,
    transmitClassOf: classMap(file.get('RTTUP2TC')),
    buffer:
      limits.shared === undefined
        ? dividedBuffer(file, limits.bufferBytes)
        : sharedBuffer(limits.shared, limits.bufferBytes, receiveClassOf, mode === 'none' ? [] : thresholds),
    // Link flow control has one pair of thresholds: those of packet buffer 0 (3.7.7.3).
    thresholds: mode === 'link' ? thresholds.slice(0, 1) : thresholds,
    sends: { mode, quanta, refreshQuanta: file.get('FCRTV') & 0xffff, tellsEnd },
  };
}

/** Registers that count, and clear when they are read. */
export function hookFlowCounters(file: RegisterFile, path: () => ClassPath | null): void {
  const seen = new Map<string, number>();
  const count = (name: string, value: (index: number) => number) => {
    file.onRead(name, (index) => {
      const key = `${name}.${index}`;
      const now = value(index);
      // Counters of the model never go back but with a reset.
      const before = Math.min(seen.get(key) ?? 0, now);
      seen.set(key, now);
      return now - before;
    });
  };
  count('LXONTXC', () => path()?.flow.sender.linkOn ?? 0);
  count('LXOFFTXC', () => path()?.flow.sender.linkOff ?? 0);
  count('LXONRXCNT', () => path()?.flow.timers.linkOn ?? 0);
  count('LXOFFRXCNT', () => path()?.flow.timers.linkOff ?? 0);
  count('PXONTXC', (i) => path()?.flow.sender.on[i] ?? 0);
  count('PXOFFTXC', (i) => path()?.flow.sender.off[i] ?? 0);
  count('PXONRXCNT', (i) => path()?.flow.timers.on[i] ?? 0);
  count('PXOFFRXCNT', (i) => path()?.flow.timers.off[i] ?? 0);
  count('PXON2OFFCNT', (i) => path()?.flow.sender.stops[i] ?? 0);
  count('RXMPC', (i) => path()?.classed.buffer.refusedBy[i] ?? 0);
}

function receiveMode(file: RegisterFile): PauseMode {
  const control = file.get('MFLCN');
  if ((control & RPFCE) !== 0) return 'priority';
  return (control & RFCE) !== 0 ? 'link' : 'none';
}

function sendMode(file: RegisterFile): PauseMode {
  const enabled = (file.get('FCCFG') >> TFCE_SHIFT) & 3;
  if (enabled === TFCE_PRIORITY) return 'priority';
  return enabled === TFCE_LINK ? 'link' : 'none';
}

/** Three bits a priority. */
function classMap(register: number): number[] {
  return Array.from({ length: PRIORITIES }, (_, priority) => (register >>> (3 * priority)) & 7);
}

/** As RXPBSIZE says, as far as there is memory. */
function dividedBuffer(file: RegisterFile, bytes: number): PacketBufferOptions {
  let left = bytes;
  const classes = Array.from({ length: PRIORITIES }, (_, c) => {
    const reservedBytes = Math.min(left, file.get('RXPBSIZE', c) & SIZE);
    left -= reservedBytes;
    return { reservedBytes, alpha: 0 };
  });
  return { bytes, classes };
}

/** Each class that a priority belongs to has its own part, and headroom if its sender can be stopped. */
function sharedBuffer(
  shared: SharedBufferProfile,
  bytes: number,
  classOf: readonly number[],
  thresholds: readonly (PauseThreshold | null)[],
): PacketBufferOptions {
  const classes = Array.from({ length: PRIORITIES }, (_, c) => {
    if (!classOf.includes(c)) return { alpha: 0 };
    const stops = thresholds[c] !== null && thresholds[c] !== undefined;
    return {
      reservedBytes: shared.reservedBytes,
      alpha: shared.alpha,
      headroomBytes: stops ? shared.headroomBytes : 0,
    };
  });
  return { bytes, classes };
}
